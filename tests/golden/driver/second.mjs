// Replays golden interviews, written by Driver.java in JavaRosa, in ODK's other engine, xforms-engine, and
// writes down where the two differ.
//
// Usage: node second.mjs JOBS.json RECORDINGS.jsonl, with NODE_PATH or the working directory holding the
// packages of package.json. A line comes out for each recording: {form, seed, differs: [[event, what, here]],
// values}. With --time JOBS.json the engine answers alone and is measured: microseconds per answer.

import { readFileSync, existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const require = createRequire(join(process.cwd(), 'package.json'));
const { JSDOM } = require('jsdom');
const dom = new JSDOM('<html></html>');
for (const name of ['window', 'document', 'DOMParser', 'XMLSerializer', 'Node', 'Element', 'Document', 'Attr',
  'Text', 'Comment', 'CDATASection', 'NodeFilter', 'XMLDocument', 'HTMLElement', 'XPathResult', 'File', 'Blob',
  'FormData', 'FileReader']) {
  globalThis[name] = name === 'window' ? dom.window : dom.window[name];
}
console.log = console.warn = console.error = console.debug = console.info = () => {};

// Its parser asks for files beside it when it sees Node; a browser's way, data in the module, works here too.
await fetch('data:,');
Object.defineProperty(process, 'versions', { value: {} });
const engine = await import(pathToFileURL(join(process.cwd(), 'node_modules/@getodk/xforms-engine/dist/index.js')));
const { loadForm } = engine;

const RealDate = Date;
function stopTheClock(text) {
  const fixed = new RealDate(text).getTime();
  globalThis.Date = class extends RealDate {
    constructor(...given) {
      if (given.length === 0) super(fixed);
      else super(...given);
    }
    static now() {
      return fixed;
    }
  };
}

const [flag, ...rest] = process.argv.slice(2);
const timing = flag === '--time';
const jobs = JSON.parse(readFileSync(timing ? rest[0] : flag, 'utf8'));
const byForm = new Map(jobs.map((job) => [job.form, job]));
const write = (line) => process.stdout.write(JSON.stringify(line) + '\n');

async function load(job) {
  const result = await loadForm(readFileSync(job.source ?? job.xform, 'utf8'), {
    fetchFormAttachment: async (url) => {
      const path = join(job.media, decodeURIComponent(url.pathname.split('/').pop()));
      if (!existsSync(path)) return { ok: false, status: 404, text: async () => '', blob: async () => new Blob([]) };
      const text = readFileSync(path, 'utf8');
      const type = path.endsWith('.csv') ? 'text/csv' : path.endsWith('.geojson') ? 'application/geo+json' : 'text/xml';
      const headers = new Map([['content-type', type]]);
      return { ok: true, status: 200, headers, text: async () => text, blob: async () => new Blob([text], { type }) };
    },
  });
  if (result.status === 'failure') throw result.error;
  return result;
}

async function open(job, form) {
  const { root } = (form ?? (await load(job))).createInstance({ stateFactory: (object) => object });
  for (const [ref, value] of Object.entries(job.set ?? {})) {
    const node = find(root, ref);
    node?.setValue?.(value);
  }
  return root;
}

const LEAVES = new Set(['note', 'select', 'input', 'trigger', 'range', 'rank', 'upload']);

function* nodes(node) {
  for (const child of node.currentState.children ?? []) {
    yield child;
    yield* nodes(child);
  }
}

function find(root, ref) {
  for (const node of nodes(root)) {
    if (node.currentState.reference === ref && !node.nodeType.startsWith('repeat-range')) return node;
  }
  return null;
}

function range(root, ref) {
  for (const node of nodes(root)) {
    if (node.nodeType.startsWith('repeat-range') && node.currentState.reference === ref) return node;
  }
  return null;
}

// A repeat whose instances are all gone or not relevant says so itself.
function relevant(node) {
  return node.currentState.relevant;
}

function asked(root, seen) {
  for (const node of nodes(root)) {
    if (LEAVES.has(node.nodeType) && relevant(node) && !seen.has(node.currentState.reference)) {
      return node.currentState.reference;
    }
  }
  return null;
}

function put(node, value) {
  switch (node.nodeType) {
    case 'select':
      if (node.selectType === 'select1') return node.selectValue(value === '' ? null : value);
      return node.selectValues(value === '' ? [] : value.split(' '));
    case 'rank':
      return node.setValues(value === '' ? [] : value.split(' '));
    case 'trigger':
      return node.setValue(value === 'OK');
    case 'range':
      return node.setValue(value === '' ? null : value);
    case 'upload':
      return node.setValue(value === '' ? null : new File(['x'], value, { type: 'image/jpeg' }));
    default:
      return node.setValue(value);
  }
}

const outcome = (node) => node.validationState.violation?.condition ?? 'ok';
const text = (range) => range?.asString ?? '';

function moved(key, stem, gone) {
  if (!key.startsWith(stem + '[')) return key;
  const end = key.indexOf(']', stem.length);
  const number = Number(key.slice(stem.length + 1, end));
  return number < gone ? key : number === gone ? null : `${stem}[${number - 1}${key.slice(end)}`;
}

function replay(root, recording, differs) {
  let seen = new Set();
  if (recording.language) {
    const language = root.languages.find((one) => one.language === recording.language);
    if (language) root.setLanguage(language);
  }
  recording.events.forEach((event, at) => {
    const differ = (what, here) => differs.push([at, what, here]);
    if (event.event === 'group') {
      if (event.label !== undefined) {
        const node = find(root, event.ref);
        if (!node || !relevant(node)) differ('relevant', false);
      }
      return;
    }
    if (event.event === 'add_another') {
      if (event.add) {
        const found = range(root, event.ref);
        if (!found?.addInstances) differ('repeat', null);
        else found.addInstances();
      }
      return;
    }
    if (event.event === 'remove') {
      const stem = event.ref.slice(0, event.ref.lastIndexOf('['));
      const gone = Number(event.ref.slice(event.ref.lastIndexOf('[') + 1, -1));
      range(root, stem)?.removeInstances(gone - 1, 1);
      seen = new Set([...seen].map((key) => moved(key, stem, gone)).filter(Boolean));
      return;
    }
    const node = find(root, event.ref);
    if (!node || !relevant(node)) {
      differ('relevant', false);
      seen.add(event.ref);
      return;
    }
    if (event.event !== 'change') {
      const first = asked(root, seen);
      if (first !== event.ref && !seen.has(event.ref)) differ('order', first);
    }
    seen.add(event.ref);
    const state = node.currentState;
    if (state.required !== event.required) differ('required', state.required);
    if (state.readonly !== (event.event === 'read_only') && !event.choices) differ('read_only', state.readonly);
    if (event.choices) {
      const names = state.valueOptions.map((item) => item.value);
      if (JSON.stringify(names) !== JSON.stringify(event.choices)) differ('choices', names);
    }
    if (event.label !== undefined) {
      // JavaRosa loses the spaces between two references.
      const label = text(state.label);
      if (label.replaceAll(/\s/g, '') !== event.label.replaceAll(/\s/g, '')) differ('label', label);
    }
    if ((state.instanceValue ?? '') !== (event.value ?? '')) differ('value', state.instanceValue);
    const before = state.instanceValue;
    (event.attempts ?? []).forEach(([value, expected], number) => {
      try {
        put(node, value);
      } catch (error) {
        differ(`attempt ${number}`, String(error.message ?? error).slice(0, 80));
        return;
      }
      const here = outcome(node);
      if (here !== expected) differ(`attempt ${number}`, here);
    });
    const attempts = event.attempts ?? [];
    if (attempts.length > 0 && attempts[attempts.length - 1][1] !== 'ok') {
      try {
        put(node, before);
      } catch {
        // A value this engine doesn't take was never in it.
      }
    }
  });
  if (recording.submit) {
    const found = root.validationState.violations[0];
    const here = found ? found.violation.condition : 'ok';
    if (here !== recording.submit) differs.push([-1, 'submit', here, found?.reference]);
  }
}

function values(root) {
  const found = {};
  for (const node of nodes(root)) {
    const state = node.currentState;
    if (state.children === null && relevant(node) && !state.reference.includes('/meta/')) {
      found[state.reference] = state.instanceValue ?? '';
    }
  }
  return found;
}

// Answers everything with something, as JavaRosa's driver does when it measures: an answer is given, all is
// worked out, the next question that is relevant is found and its text and choices are read.
function read(next) {
  if (!next) return;
  text(next.currentState.label);
  void next.currentState.required;
  for (const item of next.currentState.valueOptions ?? []) text(item.label);
}

// A turn of an interview that is not at hand: the form is, its answers are read from what was saved; then the
// answer is given and the next question read. Finding the place is not measured.
async function again(form, saved, reference, value, waits) {
  const times = [];
  for (let i = 0; i < 5; i++) {
    let begun = performance.now();
    const { root } = await form.restoreInstance(saved, { stateFactory: (object) => object });
    const restored = performance.now() - begun;
    const leaves = [...nodes(root)].filter((node) => LEAVES.has(node.nodeType));
    const at = leaves.findIndex((node) => node.currentState.reference === reference);
    begun = performance.now();
    put(leaves[at], value);
    read(leaves.slice(at + 1).find(waits));
    times.push((restored + performance.now() - begun) * 1000);
  }
  return times;
}

async function measure(job, round) {
  const form = await load(job);
  const root = await open(job, form);
  const times = [], anew = [];
  const done = new Set();
  const members = job.members ?? 1;
  const typed = {
    int: '33', decimal: '2.5', date: '1990-04-12', time: '07:30:00.000+07:00', geopoint: '10.5 106.5 0 0',
    dateTime: '2024-03-01T07:30:00.000+07:00',
  };
  let number = round;
  let leaves = [...nodes(root)].filter((node) => LEAVES.has(node.nodeType));
  let at = 0;
  const waits = (node) => relevant(node) && node.nodeType !== 'note' && !node.currentState.readonly;
  while (at < leaves.length) {
    const node = leaves[at];
    at += 1;
    if (done.has(node.nodeId) || !waits(node)) continue;
    done.add(node.nodeId);
    const options = node.currentState.valueOptions;
    const template = node.currentState.reference.replaceAll(/\[\d+\]/g, '');
    const counts = template in (job.counts ?? {});
    const tries = [];
    if (counts) tries.push(String(members));
    else if (options) for (let i = 0; i < Math.min(4, options.length); i++) tries.push(options[(number + i) % options.length].value);
    else {
      const fitting = job.candidates?.[template] ?? [];
      tries.push(...fitting.slice(number % (fitting.length || 1)), ...fitting);
      tries.push(node.nodeType === 'trigger' ? 'OK' : (typed[node.valueType] ?? 'Nguyễn Văn An'), '18', '5', '2', '1');
    }
    for (const value of tries) {
      number += 1;
      const half = times.length === job.half?.[job.form];
      const saved = half ? await root.prepareInstancePayload() : null;
      const begun = performance.now();
      try {
        put(node, value);
      } catch {
        continue;
      }
      if (outcome(node) !== 'ok') continue;
      read(leaves.slice(at).find(waits));
      times.push((performance.now() - begun) * 1000);
      if (saved) anew.push(...(await again(form, saved, node.currentState.reference, value, waits)));
      break;
    }
    if (counts) {
      leaves = [...nodes(root)].filter((each) => LEAVES.has(each.nodeType));
      at = 0;
    }
  }
  const sorted = (some) => [...some].sort((a, b) => a - b);
  const median = (some) => sorted(some)[some.length >> 1];
  const tenth = Math.max(1, Math.floor(times.length / 10));
  write({
    form: job.form,
    answers: times.length,
    median_us: median(times),
    mean_us: times.reduce((a, b) => a + b, 0) / times.length,
    p99_us: sorted(times)[Math.floor(times.length * 0.99)],
    first_us: median(times.slice(0, tenth)),
    last_us: median(times.slice(-tenth)),
    anew_us: anew.length ? median(anew) : 0,
  });
}

if (timing) {
  for (const job of jobs) {
    stopTheClock(job.now);
    for (const round of job.seeds) await measure(job, round);
  }
} else {
  for (const line of readFileSync(rest[0], 'utf8').split('\n').filter(Boolean)) {
    const recording = JSON.parse(line);
    const job = byForm.get(recording.form);
    const answer = { form: recording.form, seed: recording.seed, differs: [] };
    if (recording.events && !recording.error) {
      stopTheClock(job.now);
      try {
        const root = await open(job);
        replay(root, recording, answer.differs);
        answer.values = values(root);
      } catch (error) {
        answer.error = String(error?.message ?? error).slice(0, 300);
      }
    }
    write(answer);
  }
}
process.exit(0);
