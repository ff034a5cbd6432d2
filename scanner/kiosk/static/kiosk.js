// Shows what the gate says, and says by itself when the gate has gone silent. It asks nothing and sends nothing.
"use strict";

const SILENCE_MS = 4000; // the gate speaks every second
const LOST = {
  tone: "lost", sound: "fault", moment: "lost", reason: "lost",
  zh_title: "與掃描器失去連線", en_title: "Connection to the scanner lost",
  zh_do: "暫停入場，請通知技術人員", en_do: "Admit nobody here and call support",
  facts: [], notices: [],
};

// [frequency in Hz, seconds, pause in seconds], one list a sound: high and short, two, one long and low, five quick ones.
const TONES = {
  none: [],
  admit: [[1320, 0.14, 0]],
  amber: [[740, 0.16, 0.12], [740, 0.16, 0]],
  refuse: [[196, 0.85, 0]],
  fault: [[880, 0.08, 0.07], [440, 0.08, 0.07], [880, 0.08, 0.07], [440, 0.08, 0.07], [880, 0.08, 0]],
};

const $ = (id) => document.getElementById(id);
let heardAt = performance.now();
let moment = null;
let audio = null;

function play(name) {
  document.body.dataset.sound = name;
  if (!audio || audio.state !== "running") return;
  let at = audio.currentTime;
  for (const [frequency, seconds, pause] of TONES[name]) {
    const tone = new OscillatorNode(audio, { frequency, type: "square" });
    const volume = new GainNode(audio, { gain: 0.25 });
    tone.connect(volume).connect(audio.destination);
    tone.start(at);
    tone.stop(at + seconds);
    at += seconds + pause;
  }
}

// A browser may want a touch before it makes a sound; until then a button asks for one.
function openAudio() {
  audio = new AudioContext();
  const shown = () => { $("sound").hidden = audio.state === "running"; };
  audio.addEventListener("statechange", shown);
  shown();
  $("sound").addEventListener("click", () => audio.resume());
}

function lines(list, items, make) {
  list.replaceChildren(...items.map((item) => {
    const line = document.createElement("li");
    make(line, item);
    return line;
  }));
}

function both(line, { zh, en }) {
  for (const [lang, text] of [["zh", zh], ["en", en]]) {
    const span = document.createElement("span");
    span.className = lang;
    span.lang = lang === "zh" ? "zh-Hant-HK" : "en";
    span.textContent = text;
    line.append(span);
  }
}

function show(view) {
  document.body.dataset.tone = view.tone;
  document.body.dataset.reason = view.reason;
  $("symbol").firstElementChild.setAttribute("href", `#${view.tone}`);
  for (const id of ["zh_title", "en_title", "zh_do", "en_do"]) $(id).textContent = view[id];
  lines($("facts"), view.facts, both);
  lines($("notices"), view.notices, (line, { zh, en }) => { line.textContent = `${zh} · ${en}`; });
  if (moment !== null && moment !== view.moment) play(view.sound);
  moment = view.moment;
}

function heard(message) {
  heardAt = performance.now();
  const view = JSON.parse(message.data);
  document.title = `${view.gate} · ${view.event}`;
  for (const id of ["gate", "event", "clock"]) $(id).textContent = view[id];
  lines($("chips"), view.chips, (line, chip) => {
    line.dataset.level = chip.level;
    line.dataset.part = chip.part;
    both(line, chip);
  });
  $("counts").textContent = `入場 Admitted ${view.admitted}\n拒絕 Refused ${view.refused}`;
  show(view);
}

function lose() {
  lines($("chips"), [], both);
  show(LOST);
}

function listen() {
  const events = new EventSource("/events");
  events.addEventListener("message", heard);
  events.addEventListener("error", () => {
    lose();
    if (events.readyState === EventSource.CLOSED) setTimeout(listen, 1000);
  });
}

openAudio();
listen();
setInterval(() => { if (performance.now() - heardAt > SILENCE_MS) lose(); }, 500);
