// @openai/agents-realtime over a WebSocket: agents.mjs URL QUESTION.pcm CUT_IN.pcm
import { OpenAIRealtimeWebSocket } from "@openai/agents-realtime";
import { historyOf, sessionOf } from "./session.mjs";
import { loudMs, until, Voice } from "./voice.mjs";

const [url, question, cutIn] = process.argv.slice(2);
const { session, seen } = sessionOf(new OpenAIRealtimeWebSocket({ url: `${url.replace("http", "ws")}/v1/realtime` }));
const told = () => ({ ...seen, heard, history: historyOf(session) });
const wait = (true_, what) => until(true_, what, told);
let heard = 0;
session.on("audio", (event) => { heard += loudMs(Buffer.from(event.data)); });
await session.connect({ apiKey: "any" });
const voice = new Voice((piece) => session.sendAudio(piece.buffer.slice(piece.byteOffset, piece.byteOffset + piece.length)));
voice.say(question);
await wait(() => heard > 500, "answer");
voice.say(cutIn);
await wait(() => seen.events.includes("audio_interrupted"), "interruption");
const before = heard;
await wait(() => heard > before + 200, "second answer");
voice.stop();
session.close();
await wait(() => seen.events.includes("disconnected"), "end");
console.log(JSON.stringify(told()));
process.exit(0);
