// A call with the types that were made from the document: `node use_generated.mjs URL`.
import createClient from "openapi-fetch";
import type { paths } from "./schema.mjs";

const client = createClient<paths>({ baseUrl: process.argv[2] });
const { data, error } = await client.POST("/v1/chat/completions", {
  body: { model: "big", messages: [{ role: "user", content: "!say hi" }] },
});
if (!data || !("choices" in data)) throw new Error(JSON.stringify(error ?? data));
const said: string | null | undefined = data.choices[0]?.message.content;
if (said !== "hi") throw new Error(JSON.stringify(data));
const { data: listed } = await client.GET("/v1/models");
if (!listed?.data.some((model) => model.id === "auto")) throw new Error(JSON.stringify(listed));
