// A page of Pipecat's client library, with either transport, that writes down all that it is told.
import { PipecatClient } from "@pipecat-ai/client-js";
import { SmallWebRTCTransport, WavMediaManager } from "@pipecat-ai/small-webrtc-transport";
import { ProtobufFrameSerializer, WavMediaManager as SocketMediaManager, WebSocketTransport } from "@pipecat-ai/websocket-transport";

const CALLBACKS = [
  "onConnected", "onDisconnected", "onTransportStateChanged", "onBotReady", "onBotDisconnected", "onError", "onMessageError",
  "onUserTranscript", "onBotOutput", "onBotLlmText", "onBotTtsText", "onUserStartedSpeaking", "onUserStoppedSpeaking",
  "onBotStartedSpeaking", "onBotStoppedSpeaking", "onServerMessage", "onMetrics", "onLLMFunctionCallStarted",
  "onLLMFunctionCallInProgress", "onLLMFunctionCallStopped",
];

// The default media manager needs another service, so these pages use the one that the libraries also have.
const rtc = () => new SmallWebRTCTransport({ mediaManager: new WavMediaManager() });
const socket = () => new WebSocketTransport({
  serializer: new ProtobufFrameSerializer(), mediaManager: new SocketMediaManager(512, 16000),
  recorderSampleRate: 16000, playerSampleRate: 24000,
});

// Measures what the page plays: of the WebRTC tracks, or of what the player of the WebSocket transport is given.
class Ear {
  constructor() { this.energy = 0; }
  listen(track) {
    const context = new AudioContext(), meter = context.createAnalyser();
    context.createMediaStreamSource(new MediaStream([track])).connect(meter);
    const samples = new Float32Array(meter.fftSize);
    setInterval(() => {
      meter.getFloatTimeDomainData(samples);
      this.energy += samples.reduce((sum, sample) => sum + sample * sample, 0);
    }, 40);
    const audio = new Audio();
    audio.srcObject = new MediaStream([track]);
    audio.play();
  }
  take(samples) { for (const sample of samples) this.energy += (sample / 32768) ** 2; }
}

window.dial = async (kind, request, tool) => {
  window.events = [];
  window.ear = new Ear();
  const transport = kind === "rtc" ? rtc() : socket();
  const callbacks = {};
  for (const name of CALLBACKS) callbacks[name] = (data) => {
    window.events.push({ name, at: Math.round(performance.now()), data: JSON.parse(JSON.stringify(data ?? null)) });
    console.log(name, JSON.stringify(data ?? null));
  };
  callbacks.onTrackStarted = (track, participant) => { if (!participant?.local && track.kind === "audio") window.ear.listen(track); };
  if (kind !== "rtc") {
    const buffer = transport._mediaManager.bufferBotAudio.bind(transport._mediaManager);
    transport._mediaManager.bufferBotAudio = (data, id) => { window.ear.take(data); return buffer(data, id); };
  }
  window.client = new PipecatClient({ transport, enableMic: true, enableCam: false, callbacks });
  if (tool) window.client.registerFunctionCallHandler(tool, async (call) => ({ answer: 42, given: call.arguments }));
  return await window.client.startBotAndConnect({ endpoint: `${location.origin}/start`, requestData: request });
};
