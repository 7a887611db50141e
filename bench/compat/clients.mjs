// The npm clients' cases: `node clients.mjs URL NAME`. One JSON line a case, as clients.py.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import path from "node:path";

const [url, name] = process.argv.slice(2);
const require = createRequire(path.join(process.cwd(), "index.js"));
const load = (what) => import(require.resolve(what));
const versionOf = (what) =>
  JSON.parse(readFileSync(path.join(process.cwd(), "node_modules", what, "package.json"))).version;
const same = (found, wanted) => {
  if (JSON.stringify(found) !== JSON.stringify(wanted))
    throw new Error(`${JSON.stringify(found)} instead of ${JSON.stringify(wanted)}`);
};
const CALL = '!call get_weather {"city":"Paris"}';
const schema = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };

async function openai() {
  const { default: OpenAI } = await load("openai");
  const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: "unused", maxRetries: 0 });
  const tools = [{ type: "function", function: { name: "get_weather", parameters: schema } }];
  const user = (content, more = {}) =>
    client.chat.completions.create({ model: "big", messages: [{ role: "user", content }], ...more });
  return {
    whole: async () => same((await user("!say hi")).choices[0].message.content, "hi"),
    streamed: async () => {
      let text = "";
      for await (const chunk of await user("!say one two", { stream: true }))
        text += chunk.choices[0]?.delta?.content ?? "";
      same(text.trim(), "one two");
    },
    tools: async () => {
      const call = (await user(CALL, { tools })).choices[0].message.tool_calls[0];
      same(JSON.parse(call.function.arguments), { city: "Paris" });
    },
    responses: async () =>
      same((await client.responses.create({ model: "big", input: "!say hi" })).output_text, "hi"),
    embeddings: async () =>
      same((await client.embeddings.create({ model: "auto", input: "x" })).data.length, 1),
    errors: async () => {
      const error = await user("!status 429 retry=1").catch((e) => e);
      same([error.status, error.code], [429, "rate_limit_exceeded"]);
    },
  };
}

async function ai(model) {
  const { generateText, streamText, tool, jsonSchema, stepCountIs } = await load("ai");
  const tools = {
    get_weather: tool({
      description: "The weather of a city.",
      inputSchema: jsonSchema(schema),
      execute: async ({ city }) => `18 degrees in ${city}`,
    }),
  };
  return {
    whole: async () => same((await generateText({ model, prompt: "!say hi" })).text, "hi"),
    streamed: async () => {
      let text = "";
      for await (const piece of streamText({ model, prompt: "!say one two" }).textStream) text += piece;
      same(text.trim(), "one two");
    },
    "tools, two turns": async () => {
      const done = await generateText({ model, prompt: CALL, tools, stopWhen: stepCountIs(2) });
      same(done.steps[0].toolCalls[0].input, { city: "Paris" });
      if (!done.text.includes("18 degrees in Paris")) throw new Error(done.text);
    },
  };
}

const clients = {
  openai,
  "@ai-sdk/openai-compatible": async () => {
    const { createOpenAICompatible } = await load("@ai-sdk/openai-compatible");
    return ai(createOpenAICompatible({ name: "shortstop", baseURL: `${url}/v1` })("big"));
  },
  "@ai-sdk/anthropic": async () => {
    const { createAnthropic } = await load("@ai-sdk/anthropic");
    return ai(createAnthropic({ baseURL: `${url}/v1`, apiKey: "unused" })("big"));
  },
};

const version = versionOf(name);
const tell = (line) => console.log(JSON.stringify({ ...line, version }));
try {
  for (const [name_, work] of Object.entries(await clients[name]())) {
    try {
      await work();
      tell({ case: name_, ok: true, note: "" });
    } catch (error) {
      tell({ case: name_, ok: false, note: String(error).slice(0, 200) });
    }
  }
} catch (error) {
  tell({ case: "import", ok: false, note: String(error).slice(0, 200) });
}
