// The page of the gateway: asks two models the same question, shows both answers as they come, and sends ratings.
// What a model says is only ever put in as text.
"use strict";

const WORDS = {
  en: {},
  hi: {
    title: "पूछें और तुलना करें", page_language: "पृष्ठ", question: "प्रश्न", left: "पहला", right: "दूसरा", language: "भाषा",
    by_text: "जैसा लिखा है", grade: "कक्षा", subject: "विषय", ask: "पूछें", stop: "रोकें", keys: "Ctrl + Enter से पूछें, Esc से रोकें",
    key: "API कुंजी", key_why: "दूसरी मशीनों से पूछने पर ज़रूरी; केवल इस टैब में रहती है।",
    invite: "कृपया इस उत्तर को अंक दें: आपको यादृच्छिक रूप से चुना गया है।", rate: "उत्तर कितना अच्छा है?", more: "और बताएँ",
    complaint: "क्या ग़लत है?", wrong: "ग़लत", unclear: "अस्पष्ट", wrong_language: "ग़लत भाषा", cultural: "सांस्कृतिक रूप से अनुचित",
    rude: "अशिष्ट", edited: "उत्तर कैसा होना चाहिए था", tell: "भेजें", withdraw: "सब वापस लें",
    thanks: "धन्यवाद, सहेज लिया गया।", withdrawn: "वापस ले लिया गया।", ready: "तैयार", not_ready: "तैयार नहीं", stopped: "रोका गया",
    first_word: "पहला शब्द", whole: "पूरा उत्तर", base: "मूल मॉडल", automatic: "अपने-आप", sources: "स्रोत", from_documents: "दस्तावेज़ों से", waits: "उत्तर आ रहा है …",
  },
  ta: {
    title: "கேளுங்கள், ஒப்பிடுங்கள்", page_language: "பக்கம்", question: "கேள்வி", left: "முதல்", right: "இரண்டாம்", language: "மொழி",
    by_text: "எழுதியபடி", grade: "வகுப்பு", subject: "பாடம்", ask: "கேள்", stop: "நிறுத்து", keys: "Ctrl + Enter கேட்கும், Esc நிறுத்தும்",
    key: "API சாவி", key_why: "பிற கணினிகளிலிருந்து கேட்கும்போது தேவை; இந்தத் தாவலில் மட்டும் இருக்கும்.",
    invite: "இந்தப் பதிலை மதிப்பிடுங்கள்: நீங்கள் சீரற்ற முறையில் தேர்ந்தெடுக்கப்பட்டீர்கள்.", rate: "பதில் எவ்வளவு நன்று?", more: "மேலும் சொல்லுங்கள்",
    complaint: "என்ன தவறு?", wrong: "தவறு", unclear: "தெளிவில்லை", wrong_language: "தவறான மொழி", cultural: "பண்பாட்டுக்குப் பொருந்தாதது",
    rude: "மரியாதையற்றது", edited: "பதில் எப்படி இருந்திருக்க வேண்டும்", tell: "அனுப்பு", withdraw: "எல்லாவற்றையும் திரும்பப் பெறு",
    thanks: "நன்றி, சேமிக்கப்பட்டது.", withdrawn: "திரும்பப் பெறப்பட்டது.", ready: "தயார்", not_ready: "தயாராக இல்லை", stopped: "நிறுத்தப்பட்டது",
    first_word: "முதல் சொல்", whole: "முழுப் பதில்", base: "அடிப்படை மாதிரி", automatic: "தானாக", sources: "மூலங்கள்", from_documents: "ஆவணங்களிலிருந்து", waits: "பதில் வருகிறது …",
  },
};
const ENGLISH = {
  thanks: "Thank you, it is kept.", withdrawn: "Taken back.", ready: "ready", not_ready: "not ready", stopped: "stopped",
  first_word: "first word", whole: "whole answer", base: "base model", automatic: "automatic", from_documents: "from the documents", waits: "The answer is coming …",
};
const at = (id) => document.getElementById(id);
const DOCUMENTS = "documents:query"; // no model's name: asks /fine-tuning/query
const KEY = "lyo-key", PAGE_LANGUAGE = "lyo-page-language";
let asking = null;

function say(name) {
  return WORDS[document.documentElement.lang]?.[name] ?? ENGLISH[name] ?? name;
}

function translate(root) {
  for (const element of root.querySelectorAll("[data-say]")) {
    element.dataset.english ??= element.textContent;
    element.textContent = WORDS[document.documentElement.lang]?.[element.dataset.say] ?? element.dataset.english;
  }
}

function headers() {
  const key = at("key").value.trim();
  return { "Content-Type": "application/json", ...(key ? { Authorization: `Bearer ${key}` } : {}) };
}

function option(value, text) {
  const made = document.createElement("option");
  made.value = value;
  made.textContent = text;
  return made;
}

async function look() {
  try {
    const answer = await fetch("/readyz");
    const told = await answer.json();
    at("status").textContent = answer.ok ? `${say("ready")} · ${told.engine}` : `${say("not_ready")}: ${told.troubles.join("; ")}`;
  } catch (error) {
    at("status").textContent = `${say("not_ready")}: ${error.message}`;
  }
}

async function listModels() {
  const answer = await fetch("/v1/models", { headers: headers() });
  if (answer.status === 401) { at("access").open = true; return; }
  const names = (await answer.json()).data.map((model) => model.id);
  const base = names.filter((name) => name !== "auto").at(-1);
  if (names.some((name) => name.startsWith("documents."))) names.push(DOCUMENTS);
  for (const [id, first] of [["left", base], ["right", names.find((name) => name !== base) ?? base]]) {
    const select = at(id), before = select.value;
    select.replaceChildren(...names.map((name) =>
      option(name, name === DOCUMENTS ? say("from_documents") : name === "auto" ? say("automatic") : name === base ? `${say("base")} (${name})` : name)));
    select.value = names.includes(before) ? before : first;
  }
}

async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    rest += value;
    const whole = rest.split("\n\n");
    rest = whole.pop();
    for (const event of whole) {
      const data = event.replace(/^data: /, "");
      if (data !== "[DONE]") yield JSON.parse(data);
    }
  }
}

function seconds(from) {
  return `${((performance.now() - from) / 1000).toFixed(1)} s`;
}

async function fromDocuments(question, card, signal) {
  const key = at("key").value.trim(), body = new URLSearchParams({ query: question });
  const answer = await fetch("/fine-tuning/query", { method: "POST", body, signal, headers: key ? { Authorization: `Bearer ${key}` } : {} });
  const told = await answer.json();
  if (!answer.ok) throw new Error(told.error.message);
  card.dataset.interaction = told.interaction_id;
  card.querySelector(".text").append(told.answer);
  const box = card.querySelector(".sources");
  box.hidden = !told.sources?.length;
  box.querySelector("ol").replaceChildren(...(told.sources ?? []).map((source) => {
    const line = document.createElement("li");
    line.dir = "auto";
    line.textContent = [source.title || source.file, source.text].join("\n");
    return line;
  }));
  return [told.answered_by, told.version].filter(Boolean).join(" · ");
}

async function answerOf(model, question, card, signal) {
  const text = card.querySelector(".text"), facts = card.querySelector(".facts"), began = performance.now();
  const metadata = { app: "page" };
  for (const name of ["language", "grade", "subject"]) if (at(name).value.trim()) metadata[name] = at(name).value.trim();
  card.querySelector("h2").textContent = at("left").querySelector(`option[value="${CSS.escape(model)}"]`)?.textContent ?? model;
  facts.textContent = say("waits");
  let first = "";
  try {
    if (model === DOCUMENTS) {
      const who = await fromDocuments(question, card, signal);
      facts.textContent = `${who} · ${say("whole")} ${seconds(began)}`;
      for (const part of card.querySelectorAll(".rating, .more")) part.hidden = false;
      return;
    }
    const asked = { model, stream: true, messages: [{ role: "user", content: question }], metadata };
    const answer = await fetch("/v1/chat/completions", { method: "POST", headers: headers(), body: JSON.stringify(asked), signal });
    if (!answer.ok) throw new Error((await answer.json()).error.message);
    const told = (name) => answer.headers.get(`x-lyo-${name}`);
    const who = [told("segment"), told("adapter-version"), told("experiment-arm")].filter(Boolean).join(" · ");
    card.dataset.interaction = told("interaction-id") ?? "";
    card.querySelector(".invite").hidden = told("invite-rating") !== "1";
    for await (const event of events(answer.body)) {
      if (event.error) throw new Error(event.error.message);
      const piece = event.choices[0]?.delta?.content;
      if (!piece) continue;
      first ||= seconds(began);
      text.append(piece);
      facts.textContent = `${who} · ${say("first_word")} ${first}`;
    }
    facts.textContent = `${who} · ${say("first_word")} ${first} · ${say("whole")} ${seconds(began)}`;
  } catch (error) {
    text.classList.add("failed");
    facts.textContent = error.name === "AbortError" ? say("stopped") : error.message;
  }
  if (card.dataset.interaction) for (const part of card.querySelectorAll(".rating, .more")) part.hidden = false;
}

async function send(card, said, thanks) {
  const line = card.querySelector(".thanks");
  try {
    const body = JSON.stringify({ interaction_id: card.dataset.interaction, ...said });
    const answer = await fetch("/feedback", { method: "POST", headers: headers(), body });
    line.textContent = answer.ok ? say(thanks) : (await answer.json()).error.message;
  } catch (error) {
    line.textContent = error.message;
  }
}

function newCard(side) {
  const card = at("answer").content.firstElementChild.cloneNode(true);
  translate(card);
  card.querySelector(".text").lang = at("language").value.slice(0, 2);
  for (let stars = 1; stars <= 5; stars += 1) {
    const label = document.createElement("label"), input = document.createElement("input");
    Object.assign(input, { type: "radio", name: `rating-${side}`, value: stars });
    input.addEventListener("change", () => send(card, { rating: stars }, "thanks"));
    label.append(input, String(stars));
    card.querySelector(".stars").append(label);
  }
  card.querySelector(".tell").addEventListener("click", () => {
    const category = card.querySelector(".category").value, edited = card.querySelector(".edited").value.trim();
    const said = { ...(category ? { complaint: category } : {}), ...(edited ? { edited_answer: edited } : {}) };
    if (Object.keys(said).length) send(card, said, "thanks");
  });
  card.querySelector(".withdraw").addEventListener("click", () => {
    for (const input of card.querySelectorAll(".stars input")) input.checked = false;
    send(card, { withdrawn: true }, "withdrawn");
  });
  return card;
}

async function ask(event) {
  event?.preventDefault();
  const question = at("question").value.trim();
  if (!question || asking) return;
  asking = new AbortController();
  at("send").disabled = true;
  at("stop").disabled = false;
  const cards = ["left", "right"].map(newCard);
  at("answers").replaceChildren(...cards);
  await Promise.all(["left", "right"].map((side, n) => answerOf(at(side).value, question, cards[n], asking.signal)));
  asking = null;
  at("send").disabled = false;
  at("stop").disabled = true;
}

function setPageLanguage(language) {
  document.documentElement.lang = language;
  at("page-language").value = language;
  translate(document);
  look();
  listModels().catch(() => {});
}

at("grade").append(option("", "–"), ...Array.from({ length: 12 }, (_, n) => option(String(n + 1), String(n + 1))));
at("key").value = sessionStorage.getItem(KEY) ?? "";
at("key").addEventListener("change", () => { sessionStorage.setItem(KEY, at("key").value.trim()); listModels(); });
at("page-language").addEventListener("change", (event) => {
  localStorage.setItem(PAGE_LANGUAGE, event.target.value);
  setPageLanguage(event.target.value);
});
at("ask").addEventListener("submit", ask);
at("stop").addEventListener("click", () => asking?.abort());
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) ask();
  if (event.key === "Escape") asking?.abort();
});
const known = [localStorage.getItem(PAGE_LANGUAGE), navigator.language.slice(0, 2), "en"].find((language) => language in WORDS);
setPageLanguage(known);
setInterval(look, 15000);
