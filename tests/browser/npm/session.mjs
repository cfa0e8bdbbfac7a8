// What a page or a program has that uses @openai/agents-realtime: an agent with two tools, and a record of what happens.
import { RealtimeAgent, RealtimeSession, tool } from "@openai/agents-realtime";
import { z } from "zod";

export const sessionOf = (transport) => {
  const seen = { events: [], cities: [], clocks: 0, errors: [] };
  const weather = tool({
    name: "weather", description: "The weather of a city", parameters: z.object({ city: z.string() }),
    execute: ({ city }) => { seen.cities.push(city); return "The sun shines, and it does not rain. ".repeat(12); },
  });
  const clock = tool({
    name: "clock", description: "The time", parameters: z.object({}), execute: () => { seen.clocks++; return "noon"; },
  });
  const agent = new RealtimeAgent({ name: "Assistant", instructions: "You know the weather.", tools: [weather, clock] });
  const session = new RealtimeSession(agent, { transport, model: "gpt-realtime" });
  session.on("error", (event) => seen.errors.push(JSON.stringify(event.error?.message ?? event)));
  session.on("audio_interrupted", () => seen.events.push("audio_interrupted"));
  session.on("agent_tool_end", () => seen.events.push("agent_tool_end"));
  session.transport.on("*", (event) => seen.events.push(event.type));
  session.transport.on("connection_change", (status) => seen.events.push(status));
  return { session, seen };
};

export const historyOf = (session) => session.history.map((item) => ({
  type: item.type, role: item.role, status: item.status, name: item.name, output: item.output,
  words: (item.content ?? []).map((part) => part.text ?? part.transcript ?? "").join(""),
}));
