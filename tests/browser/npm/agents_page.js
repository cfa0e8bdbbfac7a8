// @openai/agents-realtime by WebRTC in a page, whose microphone is a recording.
import { OpenAIRealtimeWebRTC } from "@openai/agents-realtime";
import { historyOf, sessionOf } from "./session.mjs";

window.dial = async (base) => {
  const asked = await fetch(`${base}/v1/realtime/client_secrets`, {
    method: "POST", headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ session: { type: "realtime", model: "gpt-realtime" } }),
  });
  const transport = new OpenAIRealtimeWebRTC({ baseUrl: `${base}/v1/realtime/calls` });
  const { session, seen } = sessionOf(transport);
  Object.assign(window, { session, seen });
  await session.connect({ apiKey: (await asked.json()).value });
  window.connection = transport.connectionState.peerConnection;
};

window.energy = async () => {
  const stats = [...(await window.connection.getStats()).values()];
  return stats.find((each) => each.type === "inbound-rtp" && each.kind === "audio")?.totalAudioEnergy ?? 0;
};

window.told = () => historyOf(window.session);
