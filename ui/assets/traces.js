// The Traces page in the browser: shows the view of a URL, labels runs, and does again what a
// run did. All markup comes from the server; going from run to run loads no page.
window.tinyagentTraces = (element, server) => {
  const view = element.querySelector(".view");
  const form = () => view.querySelector("form.labelling");
  const inQueue = () => new URLSearchParams(location.search).has("queue");
  let checked = null; // redraws the DAG beside the plan that is typed

  async function show(query, push = true) {
    view.setAttribute("aria-busy", "true");
    if (push) history.pushState(history.state, "", `/traces${query}`);
    try {
      view.innerHTML = await server.show({ query });
    } catch {
      view.textContent = "TinyAgent does not answer. Is it still running? Then load this page again.";
    }
    view.removeAttribute("aria-busy");
    // The queue shows the run that is next now; the way back leads to the run that was shown.
    const shown = view.querySelector(".notebook")?.dataset.trace;
    if (shown && inQueue() && !new URLSearchParams(location.search).has("trace"))
      history.replaceState(history.state, "", `/traces?trace=${encodeURIComponent(shown)}&queue=1`);
    for (const box of view.querySelectorAll("[data-graph]")) draw(box, box.dataset.graph);
    checked = null;
    if (form()) takeUpDraft(), showVerdict(), checkPlan();
    if (push) scrollTo(0, 0);
  }

  // The graph of page.js; what is returned draws another one in its place.
  function draw(box, value) {
    const props = { value };
    let update = () => {};
    window.tinyagent.graph(box, props, (name, act) => (update = act));
    return (next) => {
      props.value = next;
      update();
    };
  }

  view.addEventListener("click", (event) => {
    const at = (selector) => event.target.closest(selector);
    const link = at("a[href^='/traces']");
    if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      show(new URL(link.href).search);
    }
    if (at("[data-copy]")) copy(at("[data-copy]"));
    if (at("[data-again]")) again(at("[data-again]"));
    if (at("[data-take-back]")) save("");
    if (at("[data-beside]")) {
      const [one, other] = ticked().map((box) => box.value);
      show(`?trace=${encodeURIComponent(one)}&beside=${encodeURIComponent(other)}`);
    }
  });

  view.addEventListener("submit", (event) => {
    if (event.target.matches(".export")) return; // a download
    event.preventDefault();
    if (event.target === form()) return save(verdict());
    if (event.target.matches(".words")) return correct(event.target);
    const kept = [...new FormData(event.target)].filter(([, value]) => value);
    show(kept.length ? `?${new URLSearchParams(kept)}` : "");
  });

  view.addEventListener("input", (event) => {
    if (event.target.matches(".pick input")) limitTicks();
    if (!form()?.contains(event.target)) return;
    if (event.target.name === "reason" && event.target.checked) setVerdict("bad");
    if (event.target.name === "verdict") showVerdict();
    if (event.target.name === "plan") checkPlan();
    keepDraft();
  });

  addEventListener("popstate", () => show(location.search, false));

  // Labels

  const field = (name) => form().elements[name];
  const verdict = () => form().querySelector("[name=verdict]:checked")?.value ?? "";
  const reasons = () => [...form().querySelectorAll("[name=reason]")];

  function setVerdict(value) {
    for (const box of form().querySelectorAll("[name=verdict]")) box.checked = box.value === value;
    showVerdict();
  }

  function showVerdict() {
    const bad = verdict() === "bad";
    form().classList.toggle("is-bad", bad);
    if (!bad) for (const box of reasons()) box.checked = false;
  }

  async function checkPlan() {
    const now = form();
    const plan = field("plan");
    const typed = plan.value;
    const found = await server.check_label({ trace: now.dataset.label, plan: typed });
    if (now !== form() || typed !== plan.value) return;
    now.querySelector(".problems").replaceChildren(...found.problems.map((text) => {
      const item = document.createElement("li");
      item.textContent = text;
      return item;
    }));
    plan.setAttribute("aria-invalid", String(Boolean(found.problems.length)));
    now.querySelector(".drawn").hidden = !found.graph;
    if (!found.graph) return;
    if (checked) checked(found.graph);
    else checked = draw(now.querySelector(".drawn"), found.graph);
  }

  const given = () => ({
    trace: form().dataset.label,
    verdict: verdict(),
    reasons: reasons().filter((box) => box.checked).map((box) => box.value),
    plan: field("plan").value,
    note: field("note").value,
    queue: inQueue(),
  });

  // What is not saved yet stays in this tab: TinyAgent may be ended before it is.
  const draft = () => `tinyagent.label.${form().dataset.label}`;

  const keepDraft = () => sessionStorage.setItem(draft(), JSON.stringify(given()));

  function takeUpDraft() {
    const kept = JSON.parse(sessionStorage.getItem(draft()));
    if (!kept) return;
    setVerdict(kept.verdict);
    for (const box of reasons()) box.checked = kept.reasons.includes(box.value);
    field("plan").value = kept.plan;
    field("note").value = kept.note;
    form().querySelector(".unsaved").hidden = false;
  }

  async function save(value) {
    const now = form();
    const error = now.querySelector(".error");
    error.hidden = true;
    if (!value && !view.querySelector(".labels")) return fail(error, "Say good or bad first (G, B).");
    const kept = draft();
    const reply = await call(() => server.save_label({ ...given(), verdict: value }));
    if (reply.error) return fail(error, reply.error);
    sessionStorage.removeItem(kept);
    const next = value ? reply.next : location.search; // who takes a label back gives another one
    await show(next, next !== location.search);
  }

  function fail(place, text) {
    place.textContent = text;
    place.hidden = false;
  }

  async function call(act) {
    try {
      return await act();
    } catch {
      return { error: "TinyAgent does not answer. Is it still running? Then try again." };
    }
  }

  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input[type=text], input[type=search], textarea, select");
    const enter = event.key === "Enter" && (event.ctrlKey || event.metaKey);
    if (event.key === "Escape" && typing) return typing.blur();
    if (enter && form()) {
      event.preventDefault();
      return save(verdict());
    }
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    const key = event.key.toLowerCase();
    const link = view.querySelector(`a[data-key="${CSS.escape(key.toUpperCase())}"]`);
    if (key === "/" && view.querySelector("[type=search]")) {
      event.preventDefault();
      view.querySelector("[type=search]").focus();
    } else if (link) {
      event.preventDefault();
      link.click();
    } else if (form() && labelByKey(key)) {
      event.preventDefault();
    }
  });

  function labelByKey(key) {
    const reason = /^[1-9]$/.test(key) && reasons()[Number(key) - 1];
    if (reason) {
      setVerdict("bad");
      reason.checked = !reason.checked;
      keepDraft();
      return true;
    }
    const acts = {
      g: () => setVerdict("good"),
      b: () => setVerdict("bad"),
      p: () => field("plan").focus(),
      n: () => field("note").focus(),
      s: () => save(verdict()),
      u: () => save(""),
    };
    acts[key]?.();
    if ("gb".includes(key)) keepDraft();
    return key in acts;
  }

  // Cells

  async function copy(button) {
    const told = button.parentElement.querySelector(".told");
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      told.textContent = "copied";
    } catch {
      told.textContent = button.dataset.copy; // to be copied by hand
    }
  }

  // What a recording really says.
  async function correct(words) {
    const told = words.querySelector(".told");
    told.textContent = "…";
    const given = { trace: words.dataset.words, words: words.elements.words.value };
    const reply = await call(() => server.save_words(given));
    told.textContent = reply.error ?? "kept; the speech export takes it";
  }

  async function again(button) {
    const told = button.parentElement.querySelector(".told");
    const trace = button.closest("[data-trace]").dataset.trace;
    button.disabled = true;
    told.textContent = "…";
    const plan = button.dataset.plan ?? "";
    const asked = button.dataset.again === "plan" ? server.plan_again : server.run_again;
    const reply = await call(() => asked({ trace, plan }));
    button.disabled = false;
    if (reply.run) return location.assign(`/?run=${encodeURIComponent(reply.run)}`);
    told.textContent = reply.error ?? "";
    if (!reply.markup) return;
    const cell = button.closest(".cell");
    cell.querySelector(".today")?.remove();
    cell.insertAdjacentHTML("beforeend", `<div class="today">${reply.markup}</div>`);
  }

  // Two runs

  const ticked = () => [...view.querySelectorAll(".pick input:checked")];

  function limitTicks() {
    const full = ticked().length >= 2;
    for (const box of view.querySelectorAll(".pick input")) box.disabled = full && !box.checked;
    view.querySelector("[data-beside]").disabled = ticked().length !== 2;
  }

  show(location.search, false);
};
