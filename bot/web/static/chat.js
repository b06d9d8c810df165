"use strict";
/* The page of the web chat. Everything a person sends stands on the screen at once and is kept in this tab until the
   server has said that it is stored; it is sent again after every break, always under the same id, one at a time. */
(() => {
  const doc = document, root = doc.documentElement;
  const SENTENCES = JSON.parse(doc.getElementById("sentences").textContent);
  const LONGEST = 100000;      // bytes of one message; the server takes a little more
  const ITEMS = 200;           // of the conversation, kept on the screen and in this tab
  const ANSWER_WITHIN = 20000; // then the connection is taken for dead
  const PING_EVERY = 25000;
  const STEADY = 250;          // a new question takes no tap so soon: it was meant for the one before
  const SIZES = ["size_1", "size_2", "size_3"];
  const NO_COOKIE = 4401, TOO_MUCH = 4429, TOO_LARGE = 1009;
  const $ = (id) => doc.getElementById(id);
  const log = $("log"), field = $("words"), line = $("line"), sure = $("sure");

  // What this tab keeps

  const fresh = () => ({ person: root.dataset.person, language: root.lang, items: [], queue: [], seen: [], next: 1,
    hello: null, asking: null, staff: false });
  let kept = fresh();

  function load() {
    try {
      const read = JSON.parse(sessionStorage.getItem("hoidan") || "null");
      if (read && read.person === kept.person) kept = Object.assign(kept, read);
    } catch (_) { /* a browser without storage keeps it while the page is open */ }
    const code = root.dataset.code;
    if (code && !(kept.hello && kept.hello.code === code)) kept.hello = { id: newId(), code };
    const known = { office: $("office").dataset.known, title: $("title").dataset.known };
    if (known.office || known.title) kept.asking = known;
  }

  function save() {
    const small = kept.items.map((item) => item.m && item.m.picture && item.m.picture.length > 50000
      ? Object.assign({}, item, { m: Object.assign({}, item.m, { picture: undefined }) }) : item);
    try {
      sessionStorage.setItem("hoidan", JSON.stringify(Object.assign({}, kept, { items: small })));
    } catch (_) {
      try { // The waiting messages matter more than what was said.
        sessionStorage.setItem("hoidan", JSON.stringify(Object.assign({}, kept, { items: small.slice(-10) })));
      } catch (__) { /* kept while the page is open */ }
    }
  }

  function newId() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  // Words

  function say(key, values) {
    const text = (SENTENCES[kept.language] || SENTENCES.vi)[key] || key;
    return text.replace(/\{(\w+)\}/g, (whole, name) => (values && name in values ? values[name] : whole));
  }

  function speak(language) {
    if (language && SENTENCES[language]) kept.language = language;
    root.lang = kept.language;
    for (const element of doc.querySelectorAll("[data-say]")) element.textContent = say(element.dataset.say);
    log.setAttribute("aria-label", say("log"));
    field.placeholder = say("placeholder");
    const other = kept.language === "vi" ? "en" : "vi", button = $("language");
    button.textContent = other.toUpperCase();
    button.setAttribute("aria-label", say("other"));
    button.lang = other;
    $("leave").textContent = say(kept.staff ? "leave_staff" : "leave");
    const asking = kept.asking || {};
    $("office").textContent = asking.office || say("name");
    $("title").textContent = asking.title || say("tagline");
    doc.title = (asking.title ? asking.title + " – " : "") + say("name");
    nameSize();
    tell(line.dataset.state);
  }

  function tell(state) {
    line.dataset.state = state;
    const text = say(state);
    if (line.textContent !== text) line.textContent = text;
  }

  // Text size: a wish of the device, not of the conversation

  let size = 0;
  try { size = Math.max(0, SIZES.indexOf(localStorage.getItem("hoidan-size"))); } catch (_) { /* none kept */ }

  function nameSize() {
    root.className = size ? "size-" + (size + 1) : "";
    $("size").setAttribute("aria-label", say("size", { size: say(SIZES[size]) }));
  }

  $("size").addEventListener("click", () => {
    size = (size + 1) % SIZES.length;
    try { localStorage.setItem("hoidan-size", SIZES[size]); } catch (_) { /* not kept */ }
    nameSize();
    toEnd();
  });

  // Drawing

  const drawn = new Map(); // item key → element
  let keyboard = false;    // whether the last thing done was done by keyboard
  doc.addEventListener("keydown", () => { keyboard = true; }, true);
  doc.addEventListener("pointerdown", () => { keyboard = false; }, true);

  function make(tag, kind, text) {
    const element = doc.createElement(tag);
    if (kind) element.className = kind;
    if (text !== undefined) element.textContent = text;
    return element;
  }

  const STEP = /^(\D{0,16}(\d{1,4})\/(\d{1,4}))\.\s+(.*)$/;

  function step(m) {
    for (const part of m.text.split("\n")) {
      const found = STEP.exec(part);
      if (found) return found;
    }
    return null;
  }

  function paragraph(text, linked) {
    const lines = text.split("\n"), element = make("p");
    const whose = linked && lines.length > 1 && !STEP.test(lines[0]) && STEP.test(lines[1]) ? lines.shift() : "";
    const found = linked && STEP.exec(lines[0]);
    if (found) {
      element.append(make("span", "step", (whose ? whose + " · " : "") + found[1]), make("span", "asked", found[4]));
      if (lines.length > 1) element.append(make("span", "rest", lines.slice(1).join("\n")));
      return element;
    }
    for (const piece of text.split(/(https?:\/\/[^\s<>"]+[^\s<>".,;:!?)])/)) {
      if (linked && /^https?:\/\//.test(piece)) {
        const link = make("a", "", piece);
        link.href = piece;
        link.rel = "noopener";
        element.append(link);
      } else element.append(piece);
    }
    return element;
  }

  function body(m) {
    const text = make("div", "text");
    text.lang = m.language || kept.language;
    if (m.wide) {
      const table = make("pre", "", m.text);
      table.tabIndex = 0;
      text.append(table);
    } else for (const part of m.text.split(/\n{2,}/)) if (part) text.append(paragraph(part, true));
    if (m.picture) {
      const picture = make("img");
      picture.src = m.picture;
      picture.alt = say("picture");
      picture.addEventListener("load", toEnd);
      text.append(picture);
    }
    for (const one of m.media || []) text.append(shown(one));
    if (m.file) {
      const link = make("a", "button", say("file", { name: m.file.name }));
      link.href = m.file.link;
      link.setAttribute("download", m.file.name);
      const around = make("p");
      around.append(link);
      text.append(around);
    }
    return text;
  }

  function shown(one) {
    // What the form shows with its question.
    const picture = one.kind === "image", element = make(picture ? "img" : one.kind === "video" ? "video" : "audio", "shown");
    const about = say("shown_" + one.kind, { name: one.name.replace(/\.[^.]*$/, "") });
    if (picture) element.alt = about;
    else {
      element.controls = true;
      element.preload = "metadata";
      element.setAttribute("aria-label", about);
      if (one.kind === "video") element.setAttribute("playsinline", "");
    }
    element.addEventListener(picture ? "load" : "loadedmetadata", toEnd);
    element.addEventListener("error", () => element.replaceWith(make("p", "soft", say("shown_not", { name: one.name }))));
    element.src = one.link;
    return element;
  }

  function spoken(button) {
    const number = /\d+/.exec(button.label);
    if (button.role === "change" && number) return say("change", { number: number[0] });
    return button.label.replace(/^[^\p{L}\p{N}“"(]+|[^\p{L}\p{N}.)”"?!%…]+$/gu, "") || button.label;
  }

  function choices(item, isNew) {
    const group = make("div", "choices"), born = isNew ? Date.now() : 0;
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", say("choices"));
    for (const row of item.m.rows || []) {
      const short = row.length > 1 && row.every((button) => button.label.length < 6);
      const box = make("div", short ? "row tight" : "row");
      for (const button of row) {
        const kind = button.role === "done" ? "main" : button.role;
        const element = make("button", kind, button.label);
        element.type = "button";
        element.lang = item.m.language || kept.language;
        if (spoken(button) !== button.label) element.setAttribute("aria-label", spoken(button));
        if (button.role === "tick") element.setAttribute("aria-pressed", String(button.ticked));
        if (button.place) {
          element.dataset.place = button.place;
          element.setAttribute("aria-label", button.place + ": " + button.label);
        }
        element.dataset.data = button.data;
        element.addEventListener("click", () => { if (Date.now() - born > STEADY) tapped(item, button, element); });
        box.append(element);
      }
      group.append(box);
    }
    for (const panel of [item.m.attach && attachPanel(item), item.m.locate && locatePanel(item), pickPanel(item)])
      if (panel) group.prepend(panel);
    group.hidden = item.retired;
    return group;
  }

  function draw(item, isNew) {
    const element = make("div", "said " + (item.kind === "me" ? "me" : "bot") + (isNew ? " now" : ""));
    element.dataset.key = item.key;
    if (item.kind === "me") {
      const text = make("div", "text");
      text.append(make("span", "unseen", say("you") + ": "), item.text);
      const sent = pictures.get(item.id);
      if (sent) {
        const picture = make("img", "sent");
        picture.src = sent;
        picture.alt = "";
        picture.addEventListener("load", toEnd);
        text.append(picture);
      }
      element.append(text, make("div", "meta"));
    } else {
      const text = body(item.m);
      text.prepend(make("span", "unseen", say("name") + ": "));
      element.append(text);
      element.tabIndex = -1;
      if (item.m.rows || item.m.attach || item.m.locate || PICKERS[item.m.keyboard]) element.append(choices(item, isNew));
    }
    const before = drawn.get(item.key);
    if (before) before.replaceWith(element); else log.append(element);
    drawn.set(item.key, element);
    return element;
  }

  function mark() {
    // How far each own message is; the newest can be changed.
    const mine = kept.items.filter((item) => item.kind === "me"), newest = mine[mine.length - 1];
    for (const item of mine) {
      const element = drawn.get(item.key), meta = element.querySelector(".meta");
      element.classList.toggle("failed", item.state === "failed");
      meta.hidden = item.state === "sent" && item !== newest;
      if (meta.hidden) { meta.textContent = ""; continue; }
      const waiting = item.state === "sending" && line.dataset.state !== "online";
      const told = say(waiting ? "waiting" : item.state);
      if (meta.dataset.told === told + item.editable) continue;
      meta.dataset.told = told + item.editable;
      meta.textContent = "";
      meta.append(make("span", "", (item.state === "sent" ? "✓ " : "") + told));
      if (item.state === "sent" && item.editable) {
        const button = make("button", "", say("edit"));
        button.type = "button";
        button.addEventListener("click", () => edit(item));
        meta.append(button);
      }
    }
  }

  function add(item) {
    item.key = kept.next++;
    kept.items.push(item);
    while (kept.items.length > ITEMS) {
      const gone = kept.items.shift();
      drawn.get(gone.key).remove();
      drawn.delete(gone.key);
    }
    return draw(item, true);
  }

  const calm = window.matchMedia("(prefers-reduced-motion: reduce)");

  function toEnd() {
    const last = log.lastElementChild;
    if (!last) return;
    const room = log.clientHeight, tall = log.scrollHeight - last.offsetTop;
    const top = tall > room ? last.offsetTop - 8 : log.scrollHeight;
    if (log.scrollTo) log.scrollTo({ top, behavior: calm.matches || !started ? "auto" : "smooth" });
    else log.scrollTop = top;
  }

  function progress() {
    const current = prompt(), found = current && step(current.m);
    const share = !current ? 0 : found ? (found[2] - 1) / Math.max(1, found[3])
      : current.m.rows && current.m.rows.some((row) => row.some((button) => button.role === "change")) ? 1 : 0;
    $("progress").firstElementChild.style.width = 100 * share + "%";
  }

  // Questions

  function prompt() {
    for (let at = kept.items.length - 1; at >= 0; at--) if (kept.items[at].kind === "bot") return kept.items[at];
    return null;
  }

  function retire(item) {
    item.retired = true;
    const group = drawn.get(item.key).querySelector(".choices");
    if (group) group.hidden = true;
  }

  function restore(item) {
    item.retired = false;
    const group = drawn.get(item.key).querySelector(".choices");
    if (group) group.hidden = false;
  }

  const buttons = (m) => [].concat(...(m.rows || []));
  const alike = (a, b) => buttons(a).map((one) => one.data).join() === buttons(b).map((one) => one.data).join();

  function ask(m) {
    const current = prompt();
    if (current && m.ticks && alike(current.m, m)) {
      const same = current.m.text === m.text && buttons(current.m).every((one, at) => one.label === buttons(m)[at].label && one.place === buttons(m)[at].place);
      current.m = m;
      restore(current);
      if (kept.queue.length) return;
      if (!same) drawAgain(current);
      else for (const one of buttons(m)) press(current, one.data, one.ticked);
      return;
    }
    if (current && m.ticks && !current.retired && current.m.text === m.text) {
      current.m = m; // Another page of its list.
      drawAgain(current);
      return;
    }
    const last = kept.items[kept.items.length - 1];
    if (current && current.m.text === m.text && last.kind !== "me") {
      // The same question again, after a break: nothing was said in between.
      const panel = current.m.attach && m.attach && !current.retired;
      Object.assign(current, { m, retired: false });
      if (!panel) draw(current, false); // A file may be chosen there, or on its way.
    } else {
      if (current) retire(current);
      attend(add({ kind: "bot", m, retired: false }), m);
    }
    field.setAttribute("inputmode", inputMode(m));
    progress();
  }

  const inputMode = (m) => (m.keyboard === "numeric" || m.keyboard === "decimal" ? m.keyboard : "text");

  function drawAgain(item) {
    // In its place, with the focus where it was: on the same button, else on the question.
    const at = doc.activeElement, inside = drawn.get(item.key).contains(at), data = at && at.dataset.data;
    const element = draw(item, false);
    const same = [...element.querySelectorAll(".choices button")].find((one) => one.dataset.data === data);
    if (inside) (same || element).focus({ preventScroll: true });
  }

  function press(item, data, ticked) {
    if (ticked === undefined) return;
    for (const element of drawn.get(item.key).querySelectorAll(".tick"))
      if (element.dataset.data === data) element.setAttribute("aria-pressed", String(ticked));
  }

  function attend(element, m) {
    toEnd();
    const at = doc.activeElement;
    if (!started || at === field || !sure.hidden || (at && at !== doc.body && !log.contains(at))) return;
    const typed = !buttons(m).some((button) => ["choice", "tick", "decide"].includes(button.role));
    if (keyboard && typed && step(m)) field.focus();
    else element.focus({ preventScroll: true });
  }

  // Other ways to answer than words and buttons

  const pictures = new Map(); // id of an own message → address of its picture, in this tab only
  const MEGABYTE = 1048576;
  const ACCEPT = { image: "image/*", audio: "audio/*", video: "video/*",
    file: ".pdf,.docx,.xlsx,.pptx,.odt,.ods,.txt,.csv,image/*,audio/*,video/*", form: ".xlsx,.xlsm,.xls,.zip" };
  const coarse = window.matchMedia("(pointer: coarse)");
  let sending = null; // the request that carries a file

  function pressable(text, kind, act) {
    const button = make("button", kind, text);
    button.type = "button";
    button.addEventListener("click", act);
    return button;
  }

  function attachPanel(item) {
    const { kind } = item.m.attach, panel = make("div", "panel");
    const most = Number(kind === "image" ? root.dataset.mostImage : root.dataset.most), megabytes = Math.floor(most / MEGABYTE);
    const input = make("input"), state = make("p", "soft"), fault = make("p", "fault");
    const picture = make("img", "preview"), share = make("progress"), row = make("div", "row");
    const file = { data: null, id: "", address: "", tries: 0 };
    input.type = "file";
    input.hidden = true;
    input.accept = ACCEPT[kind];
    state.setAttribute("role", "status");
    fault.setAttribute("role", "alert");
    picture.alt = say("attach_preview");
    picture.hidden = share.hidden = true;
    share.max = 100;
    share.setAttribute("aria-hidden", "true");
    const pick = (camera) => {
      if (camera) input.setAttribute("capture", "environment"); else input.removeAttribute("capture");
      input.click();
    };
    const go = pressable(say("attach_send"), "main", () => send());
    const stop = pressable(say("attach_stop"), "", () => { if (sending) sending.abort(); });
    const choose = pressable(say("attach_" + kind), "main", () => pick(false));
    const camera = kind !== "file" && kind !== "form" && coarse.matches ? pressable(say("camera_" + kind), "main", () => pick(true)) : null;
    if (camera) { choose.textContent = say("gallery_" + kind); choose.className = ""; }
    row.append(...[camera, go, stop, choose].filter(Boolean));
    panel.append(input, picture, share, state, fault, row);
    state.textContent = say("attach_most", { most: megabytes });

    function show() {
      const busy = sending !== null;
      go.hidden = !file.data || busy;
      stop.hidden = !busy;
      share.hidden = !busy;
      if (camera) camera.hidden = busy || Boolean(file.data);
      choose.hidden = busy;
      choose.className = file.data || camera ? "" : "main";
      if (file.data) choose.textContent = say("attach_other");
    }

    input.addEventListener("change", () => {
      const picked = input.files[0];
      if (!picked) return;
      fault.textContent = picked.size > most ? say("attach_too_large", { most: megabytes }) : picked.size ? "" : say("attach_empty");
      if (file.address) URL.revokeObjectURL(file.address);
      Object.assign(file, { data: fault.textContent ? null : picked, id: newId(), address: "", tries: 0 });
      picture.hidden = true;
      if (file.data && picked.type.startsWith("image/")) picture.src = file.address = URL.createObjectURL(picked);
      state.textContent = file.data ? picked.name.slice(0, 60) + " (" + Math.max(0.1, picked.size / MEGABYTE).toFixed(1) + " MB)" : "";
      input.value = "";
      show();
      toEnd();
      (file.data ? go : choose).focus();
    });
    picture.addEventListener("load", () => { picture.hidden = false; panel.scrollIntoView({ block: "nearest" }); });
    picture.addEventListener("error", () => { picture.hidden = true; });

    function send() {
      const request = sending = new XMLHttpRequest();
      fault.textContent = "";
      share.value = 0;
      show();
      stop.focus();
      request.open("POST", "/chat/upload");
      request.setRequestHeader("Content-Type", "application/octet-stream");
      request.setRequestHeader("X-Hoidan-Page", kept.person);
      request.setRequestHeader("X-Hoidan-Id", file.id);
      request.setRequestHeader("X-Hoidan-Question", item.m.attach.question);
      if (kind === "form") request.setRequestHeader("X-Hoidan-Name", encodeURIComponent(file.data.name.slice(-100)));
      request.upload.onprogress = (event) => {
        if (!event.lengthComputable) return;
        const percent = Math.round(100 * event.loaded / event.total);
        share.value = percent;
        // A screen reader is told a few times, not a hundred.
        if (percent % 25 === 0) state.textContent = say("attach_sending", { share: percent });
      };
      request.onload = () => ended(request);
      request.onerror = request.ontimeout = () => ended(null);
      request.onabort = () => { sending = null; if (!over) { state.textContent = ""; show(); go.focus(); } };
      request.send(file.data);
    }

    function ended(request) {
      sending = null;
      if (over) return;
      let told = {};
      try { told = request ? JSON.parse(request.responseText) : {}; } catch (_) { /* said below */ }
      if (request && request.status === 200 && "ack" in told) {
        if (file.address) pictures.set(file.id, file.address);
        retire(item);
        add({ kind: "me", id: file.id, text: say("attached_" + kind), state: "sending", editable: false });
        take(told);
        return;
      }
      if (request && request.status === 503 && file.tries++ < 5) {
        state.textContent = say("busy");
        setTimeout(() => { if (!item.retired && !sending && !over) send(); }, 3000 + Math.random() * 3000);
        return;
      }
      state.textContent = "";
      fault.textContent = told.message || say("attach_broken");
      if (request && [413, 415, 422].includes(request.status)) file.data = null;
      show();
      (file.data ? go : choose).focus();
    }

    show();
    return panel;
  }

  function locatePanel(item) {
    const found = window.isSecureContext && navigator.geolocation;
    if (!found) return null;
    const panel = make("div", "panel"), about = make("p", "soft", say("locate_about")), fault = make("p", "fault");
    fault.setAttribute("role", "alert");
    about.setAttribute("role", "status");
    const button = pressable(say("locate"), "main", () => {
      button.disabled = true;
      fault.textContent = "";
      about.textContent = say("locating");
      found.getCurrentPosition(({ coords }) => {
        if (item.retired || over) return;
        const metres = (value) => (Math.round(Math.max(-999999, Math.min(999999, value || 0)) * 10) / 10).toString();
        const at = [coords.latitude.toFixed(7), coords.longitude.toFixed(7)];
        retire(item);
        sendOut({ place: [...at, metres(coords.altitude), metres(Math.abs(coords.accuracy))].join(" "), question: item.m.locate },
          say("located") + " (" + at.map((one) => Number(one).toFixed(5)).join(", ") + " ± " + Math.round(coords.accuracy) + " m)", {});
      }, (problem) => {
        button.disabled = false;
        about.textContent = say("locate_about");
        fault.textContent = say(problem.code === 1 ? "locate_denied" : "locate_failed");
        button.focus();
      }, { enableHighAccuracy: true, timeout: 30000, maximumAge: 0 });
    });
    const row = make("div", "row");
    row.append(button);
    panel.append(row, about, fault);
    return panel;
  }

  const PICKERS = { date: "date", month: "month", time: "time", datetime: "datetime-local" };

  function pickPanel(item) {
    const type = PICKERS[item.m.keyboard];
    if (!type) return null;
    const input = make("input");
    input.type = type;
    if (input.type !== type) return null; // a browser without one: it is typed
    const panel = make("div", "panel"), label = make("label", "", say("pick_" + item.m.keyboard)), row = make("div", "row");
    input.id = "pick-" + item.key;
    label.htmlFor = input.id;
    if (type !== "time") input.max = type === "month" ? "2200-12" : type === "date" ? "2200-12-31" : "2200-12-31T23:59";
    const go = pressable(say("pick_send"), "", () => {
      const found = /^(?:(\d{4})-(\d\d)(?:-(\d\d))?)?(?:T?(\d\d:\d\d))?/.exec(input.value);
      if (!input.value || !found) { input.focus(); return; }
      const [, year, month, day, time] = found;
      const text = [[day, month, year].filter(Boolean).join("/"), time].filter(Boolean).join(" ");
      retire(item);
      sendOut({ text }, text, { editable: true });
    });
    row.append(input, go);
    panel.append(label, row);
    return panel;
  }

  // What the person does

  function tapped(item, button, element) {
    if (button.role === "page") {
      // The list goes on in the same place: nothing was said.
      enqueue({ id: newId(), tap: button.data, message: String(item.key) });
      return;
    }
    if (button.role === "tick") {
      button.ticked = element.getAttribute("aria-pressed") !== "true";
      element.setAttribute("aria-pressed", String(button.ticked));
      enqueue({ id: newId(), tap: button.data, message: String(item.key) });
      return;
    }
    const picked = button.role === "done" ? buttons(item.m).filter((one) => one.ticked).map((one) => one.label) : [];
    const text = picked.length ? picked.join(", ") : spoken(button);
    const editable = ["choice", "done", "aside"].includes(button.role);
    retire(item);
    sendOut({ tap: button.data, message: String(item.key) }, text, { editable, prompt: item.key });
  }

  function sendOut(frame, text, more) {
    const id = newId();
    add(Object.assign({ kind: "me", id, text, state: "sending", editable: false }, more));
    mark();
    toEnd();
    enqueue(Object.assign({ id }, frame));
  }

  function enqueue(frame) {
    kept.queue.push(frame);
    save();
    pump();
  }

  let changing = null;

  function edit(item) {
    if (item.prompt !== undefined) {
      const element = drawn.get(item.prompt), group = element && element.querySelector(".choices");
      if (!group) return;
      group.hidden = false;
      element.scrollIntoView({ block: "nearest" });
      group.querySelector("button").focus();
      return;
    }
    changing = item;
    $("editing").hidden = false;
    $("editing-text").textContent = say("editing", { text: item.text.slice(0, 40) });
    field.value = item.text;
    grow();
    field.focus();
    field.select();
  }

  function stopEditing() {
    changing = null;
    $("editing").hidden = true;
  }

  $("editing-stop").addEventListener("click", () => { stopEditing(); field.value = ""; grow(); field.focus(); });

  function grow() {
    field.style.height = "auto";
    field.style.height = Math.min(field.scrollHeight + 3, 160) + "px";
  }

  field.addEventListener("input", () => { grow(); $("refused").textContent = ""; });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing && event.keyCode !== 229) {
      event.preventDefault();
      submit();
    } else if (event.key === "Escape" && changing) $("editing-stop").click();
  });
  $("say").addEventListener("submit", (event) => { event.preventDefault(); submit(); });

  function submit() {
    const text = field.value.trim();
    if (!text) { field.focus(); return; }
    if (new Blob([JSON.stringify(text)]).size > LONGEST) { $("refused").textContent = say("too_long"); return; }
    field.value = "";
    grow();
    const current = prompt();
    if (changing) {
      const origin = changing.origin || changing.id;
      stopEditing();
      sendOut({ edit: text, message: origin }, text, { editable: true, origin });
    } else {
      if (current) retire(current);
      sendOut({ text }, text, { editable: Boolean(current && step(current.m)) });
    }
  }

  $("language").addEventListener("click", () => {
    const other = kept.language === "vi" ? "en" : "vi";
    speak(other);
    redraw();
    enqueue({ id: newId(), language: other });
  });

  // Leaving a shared phone

  $("leave").addEventListener("click", () => {
    const text = $("sure-text");
    text.textContent = say(kept.queue.length ? "leave_ask_waiting" : "leave_ask");
    sure.hidden = false;
    $("sure-no").focus();
  });
  function stay() { sure.hidden = true; $("leave").focus(); }
  $("sure-no").addEventListener("click", stay);
  sure.addEventListener("keydown", (event) => { if (event.key === "Escape") stay(); });
  $("sure-yes").addEventListener("click", () => {
    over = true;
    if (sending) sending.abort();
    for (const address of pictures.values()) URL.revokeObjectURL(address);
    pictures.clear();
    if (socket) socket.close();
    kept = Object.assign(fresh(), { language: kept.language, person: "" });
    drawn.clear();
    log.textContent = "";
    root.dataset.code = "";
    try { sessionStorage.clear(); localStorage.removeItem("hoidan-size"); } catch (_) { /* nothing was kept */ }
    history.replaceState(null, "", "/chat");
    sure.hidden = true;
    for (const id of ["say", "leave", "size", "language"]) $(id).hidden = true;
    speak(kept.language);
    line.textContent = "";
    progress();
    let tries = 0;
    const forget = () => fetch("/chat/leave", { method: "POST", credentials: "same-origin" })
      .then((answer) => farewell(answer.ok), () => farewell(false));
    function farewell(done) {
      log.textContent = "";
      const card = make("div", "card"), again = make("a", "button", say(done ? "again" : "retry"));
      card.tabIndex = -1;
      again.href = "/chat";
      if (!done) again.addEventListener("click", (event) => { event.preventDefault(); forget(); });
      card.append(make("h2", "", say(done ? "left" : "left_not")), make("p", "", say(done ? "left_text" : "left_not_text")),
        again);
      log.append(card);
      card.focus();
      if (!done && tries++ < 20) setTimeout(forget, 3000);
    }
    forget();
  });

  function redraw() {
    for (const item of kept.items) if (drawn.has(item.key)) draw(item, false);
    mark();
    toEnd();
  }

  // The line to the server

  let socket = null, waiting = null, waitingSince = 0, heard = 0, tries = 0, timer = 0, over = false, started = false;
  let retry = 0;

  function connect() {
    clearTimeout(timer);
    if (over || socket) return;
    const opened = new WebSocket(location.origin.replace(/^http/, "ws") + "/chat/ws");
    socket = opened;
    heard = Date.now();
    opened.onopen = () => {
      waiting = null;
      const quiet = !kept.hello && kept.queue.length > 0;
      const hello = kept.hello || { id: newId() };
      transmit({ hello: Object.assign({ language: kept.language, seen: kept.seen, quiet }, hello) });
      if (quiet) pump(); else await_(hello.id);
    };
    opened.onmessage = (event) => { if (socket === opened) take(JSON.parse(event.data)); };
    opened.onclose = (event) => {
      if (socket !== opened) return;
      socket = null;
      if (over) return;
      if (event.code === NO_COOKIE) {
        over = true;
        tell("no_cookie");
        return;
      }
      if (event.code === TOO_LARGE) fail();
      waiting = null;
      const wait = event.code === TOO_MUCH ? 30000 : Math.min(15000, 400 * 2 ** tries) * (0.5 + Math.random());
      tries++;
      timer = setTimeout(connect, wait);
      if (tries > 1 || !started || kept.queue.length) tell("offline");
      mark();
    };
  }

  function hangUp() {
    const old = socket;
    if (!old) return;
    old.close();
    if (old.onclose) old.onclose({ code: 0 });
  }

  function transmit(frame) {
    if (socket && socket.readyState === 1) socket.send(JSON.stringify(frame));
  }

  function await_(id) { waiting = id; waitingSince = Date.now(); }

  function pump() {
    if (waiting || !kept.queue.length || !socket || socket.readyState !== 1) return;
    clearTimeout(retry);
    await_(kept.queue[0].id);
    transmit(kept.queue[0]);
  }

  function settle(id, state) {
    kept.queue = kept.queue.filter((frame) => frame.id !== id);
    for (const item of kept.items) if (item.id === id) item.state = state;
  }

  function fail() {
    // Our own newest message can't be taken by the server, and would not be the next time either.
    if (!kept.queue.length || waiting !== kept.queue[0].id) return;
    settle(waiting, "failed");
    waiting = null;
    const current = prompt();
    if (current) restore(current);
    save();
    mark();
    pump();
  }

  function take(frame) {
    heard = Date.now();
    if ("busy" in frame) {
      waiting = null;
      tell("busy");
      mark();
      clearTimeout(retry);
      retry = setTimeout(() => { if (kept.hello || !started) hangUp(); else pump(); }, frame.busy * 1000 + Math.random() * 1000);
      return;
    }
    if (frame.error) { fail(); return; }
    if (frame.asking) { kept.asking = frame.asking; speak(); }
    if ("seq" in frame) {
      if (!kept.seen.includes(frame.seq)) {
        kept.seen = kept.seen.concat(frame.seq).slice(-50);
        attend(add({ kind: "notice", m: frame.notice, retired: false }), frame.notice);
        progress();
      }
      transmit({ seen: frame.seq });
    }
    if ("ack" in frame) {
      tries = 0;
      if (kept.hello && kept.hello.id === frame.ack) {
        kept.hello = null;
        root.dataset.code = "";
        history.replaceState(null, "", "/chat");
      }
      settle(frame.ack, "sent");
      if (waiting === frame.ack) waiting = null;
      kept.staff = Boolean(frame.staff);
      line.dataset.state = "online";
      const other = frame.language !== kept.language && !kept.queue.some((one) => one.language);
      speak(other ? frame.language : kept.language);
      if (frame.prompt) ask(frame.prompt);
      mark();
      started = true;
      pump();
    }
    save();
  }

  setInterval(() => {
    if (over || !socket || doc.hidden) return;
    const now = Date.now();
    if (waiting && now - waitingSince > ANSWER_WITHIN) hangUp();
    else if (now - heard > 2 * PING_EVERY) hangUp();
    else if (now - heard > PING_EVERY) transmit({ ping: now });
  }, 5000);

  function again() {
    if (over || doc.hidden) return;
    if (socket) transmit({ ping: Date.now() });
    else { tries = 0; connect(); }
  }
  window.addEventListener("online", again);
  window.addEventListener("offline", () => { if (!over) { hangUp(); tell("offline"); mark(); } });
  doc.addEventListener("visibilitychange", again);
  window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
  window.addEventListener("pagehide", save);

  // Begin

  load();
  for (const id of ["say", "leave", "size", "language"]) $(id).hidden = false;
  speak(kept.language);
  for (const item of kept.items) draw(item, false);
  mark();
  progress();
  const current = prompt();
  if (current) field.setAttribute("inputmode", inputMode(current.m));
  toEnd();
  save();
  connect();
})();
