// Two phones as the pages of two libraries have them, with the same few functions for the tests.
import JsSIP from "jssip";
import { Registerer, Inviter, SessionState, UserAgent, Web, Messager } from "sip.js";

const until = async (true_, what, ms = 15000) => {
  for (const end = Date.now() + ms; !true_(); await new Promise((done) => setTimeout(done, 20)))
    if (Date.now() > end) throw new Error(`no ${what} in time`);
};

const energy = async (pc) => {
  const stats = [...(await pc.getStats()).values()];
  const inbound = stats.find((each) => each.type === "inbound-rtp" && each.kind === "audio");
  return inbound ? inbound.totalAudioEnergy : 0;
};

// The ICE user name by which the sound goes at present.
const ufrag = async (pc) => {
  const stats = await pc.getStats();
  const transport = [...stats.values()].find((each) => each.type === "transport");
  return stats.get(stats.get(transport.selectedCandidatePairId).localCandidateId).usernameFragment;
};

const listen = (pc) => {
  const ear = new Audio();
  ear.srcObject = new MediaStream(pc.getReceivers().map((receiver) => receiver.track));
  ear.play();
  return pc;
};

class JsSipPhone {
  constructor(url, { user = "alice", password, token } = {}) {
    this.events = [];
    this.host = new URL(url).host;
    this.socket = new JsSIP.WebSocketInterface(url);
    this.ua = new JsSIP.UA({
      sockets: [this.socket], uri: `sip:${user}@${new URL(url).hostname}`, password, register: true,
      authorization_jwt: token && `Bearer ${token}`, connection_recovery_min_interval: 1,
    });
    for (const name of ["connected", "disconnected", "registered", "unregistered", "registrationFailed"])
      this.ua.on(name, (event) => this.events.push(event?.cause ? `${name} ${event.cause}` : name));
    this.ua.start();
  }
  async registered() {
    await until(() => this.events.some((each) => each.startsWith("regist")), "registration");
    return this.events.find((each) => each.startsWith("regist"));
  }
  async call(agent) {
    this.session = this.ua.call(`sip:${agent}@${this.host.split(":")[0]}`, {
      mediaConstraints: { audio: true, video: false }, pcConfig: { iceServers: [] },
    });
    this.heard = [];
    for (const name of ["progress", "accepted", "confirmed", "ended", "failed", "hold", "unhold", "refer"])
      this.session.on(name, (event) => this.heard.push(event?.cause ? `${name} ${event.cause}` : name));
    await until(() => this.heard.some((each) => /^(confirmed|failed)/.test(each)), "answer");
    if (this.session.connection) this.pc = listen(this.session.connection);
    return this.heard.at(-1);
  }
  // Takes the next call that comes, or declines it.
  wait(takes) { this.heard = []; this.ua.once("newRTCSession", ({ session }) => {
    this.session = session;
    for (const name of ["confirmed", "ended", "failed"])
      session.on(name, (event) => this.heard.push(event?.cause ? `${name} ${event.cause}` : name));
    if (!takes) { session.terminate({ status_code: 603 }); return; }
    session.answer({ mediaConstraints: { audio: true, video: false }, pcConfig: { iceServers: [] } });
    session.on("confirmed", () => { this.pc = listen(session.connection); });
  }); }
  energy() { return energy(this.pc); }
  key(key) { return new Promise((done, fail) => {
    this.session.sendDTMF(key, { transportType: "INFO" });
    this.session.once("newInfo", () => {});
    setTimeout(done, 200);
  }); }
  text(text) { return new Promise((done, fail) => this.ua.sendMessage(this.session.remote_identity.uri, text, {
    eventHandlers: { succeeded: () => done(true), failed: (event) => fail(new Error(event.cause)) } })); }
  hold() { return new Promise((done) => this.session.hold({}, () => done(true))); }
  unhold() { return new Promise((done) => this.session.unhold({}, () => done(true))); }
  // Transfers the call as the agent asks, and tells the other side why.
  follow() { this.session.on("refer", (event) => {
    this.subject = decodeURIComponent(event.request.refer_to.uri.getHeader("Subject") ?? "");
    event.accept((session) => session.on("failed", () => {}), {
    mediaConstraints: { audio: true, video: false }, pcConfig: { iceServers: [] }, extraHeaders: [`Subject: ${this.subject}`] }); }); }
  async restart() {
    const before = await ufrag(this.pc);
    await new Promise((done) => this.session.renegotiate({ rtcOfferConstraints: { iceRestart: true } }, done));
    for (const end = Date.now() + 10000; (await ufrag(this.pc)) === before; )
      if (Date.now() > end) throw new Error("no new way in time");
  }
  cut() { this.events.length = 0; this.socket._ws.close(); }
  hangUp() { this.session.terminate(); }
  async over(ms) { await until(() => this.heard.some((each) => /^(ended|failed)/.test(each)), "end", ms); return this.heard.at(-1); }
  stop() { this.ua.stop(); }
}

class SipJsPhone {
  constructor(url, { user = "bob", password } = {}) {
    this.events = [];
    this.heard = [];
    this.host = new URL(url).hostname;
    this.agent = new UserAgent({
      uri: UserAgent.makeURI(`sip:${user}@${this.host}`), transportOptions: { server: url, keepAliveInterval: 5 },
      authorizationUsername: user, authorizationPassword: password, logLevel: "error",
      sessionDescriptionHandlerFactoryOptions: { peerConnectionConfiguration: { iceServers: [] } },
    });
    this.registerer = new Registerer(this.agent);
    this.registerer.stateChange.addListener((state) => this.events.push(state));
    this.start = this.agent.start().then(() => this.registerer.register());
  }
  async registered() {
    await this.start;
    await until(() => this.events.length, "registration");
    return this.events[0].toLowerCase();
  }
  async call(agent) {
    this.session = new Inviter(this.agent, UserAgent.makeURI(`sip:${agent}@${this.host}`), {
      sessionDescriptionHandlerOptions: { constraints: { audio: true, video: false } },
    });
    this.session.stateChange.addListener((state) => this.heard.push(state.toLowerCase()));
    await this.session.invite({ requestDelegate: { onReject: (response) => this.heard.push(`failed ${response.message.statusCode}`) } });
    await until(() => this.heard.some((each) => /^(established|terminated|failed)/.test(each)), "answer");
    if (this.session.state === SessionState.Established) this.pc = listen(this.session.sessionDescriptionHandler.peerConnection);
    return this.heard.find((each) => each.startsWith("failed")) ?? this.heard.at(-1);
  }
  // Takes the next call that comes.
  wait() { this.agent.delegate = { onInvite: async (invitation) => {
    this.session = invitation;
    invitation.stateChange.addListener((state) => this.heard.push(state.toLowerCase()));
    await invitation.accept({ sessionDescriptionHandlerOptions: { constraints: { audio: true, video: false } } });
    await until(() => this.heard.includes("established"), "answer");
    this.pc = listen(invitation.sessionDescriptionHandler.peerConnection);
  } }; }
  energy() { return energy(this.pc); }
  text(text) { return new Promise((done, fail) => this.session.message({
    requestOptions: { body: { contentDisposition: "render", contentType: "text/plain", content: text } },
    requestDelegate: { onAccept: () => done(true), onReject: () => fail(new Error("rejected")) } })); }
  key(key) {
    const body = { contentDisposition: "render", contentType: "application/dtmf-relay", content: `Signal=${key}\r\nDuration=1000` };
    return new Promise((done, fail) => this.session.info({ requestOptions: { body },
      requestDelegate: { onAccept: () => done(true), onReject: () => fail(new Error("rejected")) } }));
  }
  reinvite(hold) {
    this.session.sessionDescriptionHandlerOptionsReInvite = { hold };
    return new Promise((done, fail) => this.session.invite({
      requestDelegate: { onAccept: () => done(true), onReject: () => fail(new Error("rejected")) },
      sessionDescriptionHandlerOptions: { hold }, sessionDescriptionHandlerModifiers: hold ? [Web.holdModifier] : [],
    }));
  }
  hold() { return this.reinvite(true); }
  unhold() { return this.reinvite(false); }
  hangUp() { return this.session.bye(); }
  async over(ms) { await until(() => this.session.state === SessionState.Terminated, "end", ms); return "terminated"; }
}

window.phones = { JsSipPhone, SipJsPhone };
