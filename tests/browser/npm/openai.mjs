// The library `openai` over a WebSocket: openai.mjs URL QUESTION.pcm CUT_IN.pcm KEY.pem CERTIFICATE.pem
import { readFileSync } from "node:fs";
import net from "node:net";
import tls from "node:tls";
import OpenAI from "openai";
import { OpenAIRealtimeWS } from "openai/realtime/ws";
import { loudMs, until, Voice } from "./voice.mjs";

const [url, question, cutIn, key, cert] = process.argv.slice(2);
// The library speaks only wss://, so there is a proxy for TLS, as an operator has one.
const proxy = tls.createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (inner) => {
  const outer = net.connect(new URL(url).port, "127.0.0.1");
  inner.on("error", () => outer.destroy()).pipe(outer).on("error", () => inner.destroy()).pipe(inner);
});
await new Promise((done) => proxy.listen(0, "127.0.0.1", done));

const client = new OpenAI({ baseURL: `https://127.0.0.1:${proxy.address().port}/v1`, apiKey: "any" });
const socket = new OpenAIRealtimeWS({ model: "gpt-realtime" }, client);
const seen = { events: [], cities: [], clocks: 0, errors: [], transcripts: [], said: [], history: [], heard: 0 };
const wait = (true_, what) => until(true_, what, () => seen);
socket.on("error", (error) => seen.errors.push(error.message));
socket.on("event", (event) => seen.events.push(event.type));
socket.on("response.output_audio.delta", (event) => { seen.heard += loudMs(Buffer.from(event.delta, "base64")); });
socket.on("response.function_call_arguments.done", (event) => {
  const asksCity = event.name === "weather";
  if (asksCity) seen.cities.push(JSON.parse(event.arguments).city); else seen.clocks++;
  const output = asksCity ? "The sun shines, and it does not rain. ".repeat(12) : "noon";
  socket.send({ type: "conversation.item.create", item: { type: "function_call_output", call_id: event.call_id, output } });
  socket.send({ type: "response.create" });
});
socket.on("conversation.item.done", ({ item }) => seen.history.push(item.role ?? item.type));
socket.on("conversation.item.input_audio_transcription.completed", (event) => seen.transcripts.push(event.transcript));
socket.on("response.done", ({ response }) => seen.said.push({
  status: response.status, reason: response.status_details?.reason ?? null,
  words: response.output.map((item) => (item.content ?? []).map((part) => part.transcript).join("")).join(""),
}));
socket.socket.on("close", () => seen.events.push("disconnected"));
await wait(() => seen.events.includes("session.created"), "session");
const city = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const tools = [{ type: "function", name: "weather", parameters: city }, { type: "function", name: "clock", parameters: { type: "object" } }];
socket.send({ type: "session.update", session: {
  type: "realtime", instructions: "You know the weather.", tools,
  audio: { input: { transcription: { model: "gpt-4o-mini-transcribe" }, turn_detection: { type: "semantic_vad" } } },
} });
await wait(() => seen.events.includes("session.updated"), "change of the session");
const voice = new Voice((piece) => socket.send({ type: "input_audio_buffer.append", audio: piece.toString("base64") }));
voice.say(question);
await wait(() => seen.heard > 500, "answer");
voice.say(cutIn);
await wait(() => seen.said.some((each) => each.status === "cancelled"), "interruption");
const before = seen.heard;
await wait(() => seen.heard > before + 200, "second answer");
voice.stop();
socket.close();
await wait(() => seen.events.includes("disconnected"), "end");
console.log(JSON.stringify(seen));
process.exit(0);
