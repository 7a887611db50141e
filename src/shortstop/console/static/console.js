"use strict";
// What pages do beside their links and forms; every page works without it.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
const local = new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "medium" });

function enhance(root) {
  for (const time of root.querySelectorAll("time[datetime]:not([title])")) {
    time.title = time.textContent;
    time.textContent = local.format(new Date(time.dateTime));
  }
  for (const button of root.querySelectorAll("button[data-copy]")) {
    button.onclick = async () => {
      await navigator.clipboard.writeText(document.querySelector(button.dataset.copy).textContent);
      button.textContent = "Copied";
    };
  }
  root.querySelectorAll("figure[data-plot]").forEach(plot);
}

// A zoomable series in the place of the drawing; a click on a point leads to its rows.
function plot(figure) {
  const { at, series, step, more } = JSON.parse(figure.dataset.plot);
  const css = getComputedStyle(document.documentElement);
  const colour = (name) => css.getPropertyValue("--" + name).trim();
  const axis = { stroke: colour("soft"), grid: { stroke: colour("edge"), width: 1 }, ticks: { show: false } };
  const holder = document.createElement("div");
  holder.className = "plot";
  figure.replaceChildren(holder);
  const chart = new uPlot({
    width: figure.clientWidth, height: 230, cursor: { drag: { x: true, y: false } },
    series: [{}, ...series.map((one) => ({ label: one.name, stroke: colour(one.tone), width: 2, points: { show: at.length < 3 } }))],
    axes: [axis, { ...axis, size: 64 }],
  }, [at, ...series.map((one) => one.values)], holder);
  chart.over.addEventListener("dblclick", () => chart.setScale("x", { min: at[0], max: at[at.length - 1] }));
  chart.over.addEventListener("click", () => {
    const i = chart.cursor.idx;
    if (step && i !== null && chart.select.width < 1) location.href = "traces?since=" + at[i] + "&until=" + (at[i] + step) + more;
  });
  new ResizeObserver(() => chart.setSize({ width: figure.clientWidth, height: 230 })).observe(figure);
}

// The live tail rests while nobody looks, or while it is told to.
function tail() {
  const button = document.getElementById("pause");
  if (!button) return;
  button.hidden = false;
  button.onclick = () => {
    const paused = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", paused);
    button.textContent = paused ? "Go on" : "Pause";
  };
  document.addEventListener("htmx:before:request", (event) => {
    const rests = document.hidden || button.getAttribute("aria-pressed") === "true";
    if (event.target.id === "tail" && rests) event.preventDefault();
  });
}

// The playground: one question, several answers as they come, each with who gave it and why.
async function ask(form, model, card) {
  const part = (name) => card.querySelector(`[data-${name}]`);
  card.querySelector("h2").textContent = model;
  part("text").textContent = "";
  part("more").replaceChildren();
  part("facts").textContent = "Asking ...";
  const messages = [];
  if (form.elements.system.value) messages.push({ role: "system", content: form.elements.system.value });
  messages.push(...JSON.parse(form.elements.before?.value ?? "[]"));
  messages.push({ role: "user", content: form.elements.prompt.value });
  const began = performance.now();
  try {
    const answer = await fetch("playground/ask", {
      method: "POST", body: JSON.stringify({ model, messages, stream: true }),
      headers: { "content-type": "application/json", "x-csrf-token": form.dataset.csrf },
    });
    if (!answer.ok) throw new Error((await answer.json()).error?.message ?? answer.statusText);
    let first = 0;
    for await (const text of deltas(answer.body)) {
      first ||= performance.now() - began;
      part("text").textContent += text;
    }
    const header = (name) => answer.headers.get("x-shortstop-" + name) ?? "";
    part("facts").textContent = `${header("target")}, first word after ${Math.round(first)} ms, all after ${Math.round(performance.now() - began)} ms. ${header("decision").replaceAll(";", "; ")}`;
    const link = document.createElement("a");
    link.href = "traces/" + encodeURIComponent(answer.headers.get("x-request-id"));
    link.textContent = "Why, and at what cost";
    part("more").append(link);
  } catch (error) {
    part("facts").textContent = error.message;
  }
}

async function* deltas(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    for (const line of lines) {
      if (!line.startsWith("data: ") || line === "data: [DONE]") continue;
      const event = JSON.parse(line.slice(6));
      if (event.error) throw new Error(event.error.message);
      yield event.choices?.[0]?.delta?.content ?? "";
    }
  }
}

function playground() {
  const form = document.getElementById("ask");
  form?.addEventListener("submit", (event) => {
    event.preventDefault();
    const cards = document.querySelectorAll("[data-answer]");
    form.querySelectorAll("select[name=model]").forEach((choice, i) => ask(form, choice.value, cards[i]));
  });
}

document.addEventListener("htmx:after:swap", () => enhance(document));
document.getElementById("zone")?.replaceChildren(zone);
enhance(document);
tail();
playground();
