// What the page does in the browser: send the cards' forms, keep the session, draw the graph.
// Everything shown is made by the server from the run's state.
window.tinyagent = (() => {
  const KEY = "tinyagent.runs";

  // The ids of this tab's runs, the one to show last. `?run=` names one, of this tab or not.
  function session() {
    const kept = JSON.parse(sessionStorage.getItem(KEY) || "[]");
    const named = new URLSearchParams(location.search).get("run");
    if (!named) return kept;
    return kept.includes(named) ? [...kept.filter((run) => run !== named), named] : [named];
  }

  function remember(runs) {
    if (!runs || !runs.length) return;
    sessionStorage.setItem(KEY, JSON.stringify(runs));
    const url = new URL(location.href);
    url.searchParams.set("run", runs[runs.length - 1]);
    history.replaceState(history.state, "", url);
  }

  function forget() {
    sessionStorage.removeItem(KEY);
    location.assign("/");
  }

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-new]")) forget();
  });

  // The conversation's current turn. `server` calls Python; `follow` has the run drawn as it
  // goes on; `ask` asks for an example; `undo` takes back what the run changed.
  function turn(element, server, follow, ask, undo) {
    const run = () => element.querySelector("[data-run]")?.dataset.run;

    async function send(form, call, payload) {
      const buttons = [...form.querySelectorAll("button")].filter((button) => !button.disabled);
      buttons.forEach((button) => (button.disabled = true));
      clearProblems(form);
      let reply;
      try {
        reply = await call(payload);
      } catch {
        reply = { error: "TinyAgent does not answer. Is it still running? Then try again." };
      }
      if (reply.error) {
        buttons.forEach((button) => (button.disabled = false));
        showProblem(form, reply);
      } else {
        follow();
      }
    }

    function decide(form, kind) {
      const payload = { run: run(), approval: form.dataset.approval, kind };
      if (kind === "approve") Object.assign(payload, ticked(form), { arguments: changes(form) });
      if (kind === "approve") payload.remember = form.querySelector("[data-remember]")?.value ?? 0;
      if (kind === "revise") payload.plan = planOf(form).value;
      send(form, server.decide, payload);
    }

    function answer(form, choice) {
      send(form, server.answer, { run: run(), question: form.dataset.question, choice });
    }

    // Undo asks once more, as it cannot be undone itself.
    function takeBack(button) {
      const words = button.querySelector("span");
      if (words.textContent !== button.dataset.sure) words.textContent = button.dataset.sure;
      else {
        button.disabled = true;
        undo();
      }
    }

    element.addEventListener("submit", (event) => {
      event.preventDefault();
      const form = event.target;
      if (form.matches("form.approval")) decide(form, isRevised(form) ? "revise" : "approve");
      const words = form.matches(".question") && form.elements.words.value.trim();
      if (words) answer(form, words);
    });

    element.addEventListener("click", (event) => {
      const at = (selector) => event.target.closest(selector);
      if (at("[data-example]")) ask(at("[data-example]").dataset.example);
      if (at("[data-reject]")) decide(at("form"), "reject");
      if (at("[data-choice]")) answer(at("form"), at("[data-choice]").dataset.choice);
      if (at("[data-undo]")) takeBack(at("[data-undo]"));
      if (at("[data-stop]")) server.halt({ run: run() }).then(follow);
    });

    element.addEventListener("input", (event) => {
      const form = event.target.closest("form.approval");
      if (!form) return;
      showState(form);
      if (event.target.matches("[data-plan]")) checkPlan(form, run(), server);
      const call = event.target.closest("[data-task]");
      if (event.target.dataset.time) checkTimes(call, run(), server);
    });

    document.addEventListener("keydown", (event) => {
      const form = element.querySelector("form.approval");
      if (!form || event.defaultPrevented) return;
      const typing = event.target.closest?.("input[type=text], input[type=number], textarea");
      const elsewhere = typing && !form.contains(typing) && typing.value.trim();
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !elsewhere) {
        event.preventDefault();
        if (!primaryOf(form).disabled) form.requestSubmit();
      } else if (event.key === "Escape" && form.contains(typing)) {
        typing.blur();
      } else if (event.key === "Escape" && !elsewhere) {
        const reject = form.querySelector("[data-reject]");
        if (!reject.disabled) reject.click();
      }
    });
  }

  const planOf = (form) => form.querySelector("[data-plan]");
  const primaryOf = (form) => form.querySelector(".primary");
  const isRevised = (form) => planOf(form).value !== planOf(form).defaultValue;

  function ticked(form) {
    const rows = [...form.querySelectorAll(".calls > li")];
    const kept = rows.filter((row) => row.querySelector(".tick input").checked);
    return { tasks: kept.map((row) => Number(row.dataset.task)) };
  }

  function isChanged(field) {
    if (field.type === "checkbox") return field.checked !== field.defaultChecked;
    if (field.matches("select")) return !field.selectedOptions[0].defaultSelected;
    return field.value !== field.defaultValue;
  }

  const changedFields = (row) => [...row.querySelectorAll("[data-argument]")].filter(isChanged);

  // The fields that the person changed, by task and argument; all else stays as it was shown.
  function changes(form) {
    const found = {};
    for (const row of form.querySelectorAll(".calls > li")) {
      for (const field of changedFields(row)) {
        const task = (found[row.dataset.task] ??= {});
        task[field.dataset.argument] = field.type === "checkbox" ? field.checked : field.value;
      }
    }
    return found;
  }

  // The one button does what the form now says: approve, or take the plan as it was edited.
  function showState(form) {
    const revised = isRevised(form);
    const wrong = revised && form.querySelector(".problems li");
    for (const row of form.querySelectorAll(".calls > li")) {
      const box = row.querySelector(".tick input");
      row.classList.toggle("left-out", !box.checked);
      row.querySelector(".edited").hidden = !changedFields(row).length;
    }
    form.querySelector(".calls").inert = revised;
    form.classList.toggle("revised", revised);
    form.querySelector(".primary .label").textContent = revised ? "Use this plan" : "Approve";
    primaryOf(form).disabled = Boolean(wrong) || (!revised && !ticked(form).tasks.length);
  }

  function clearProblems(form) {
    for (const text of form.querySelectorAll(".problem, .error")) text.hidden = true;
    for (const field of form.querySelectorAll("[aria-invalid]")) {
      field.removeAttribute("aria-invalid");
    }
  }

  // At the field that is at fault, where there is one.
  function showProblem(form, { error, task, argument }) {
    const row = task && form.querySelector(`.calls > li[data-task="${task}"]`);
    const field = row && argument && row.querySelector(`[data-argument="${argument}"]`);
    const text = field ? field.closest(".field").querySelector(".problem") : form.querySelector(".error");
    text.textContent = task && !field ? `Task ${task}: ${error}` : error;
    text.hidden = false;
    if (!field) return;
    row.querySelector("details").open = true;
    field.setAttribute("aria-invalid", "true");
    field.focus();
  }

  // Calls `act` once typing has paused; a reply to what is no longer typed is dropped.
  function later(field, act) {
    clearTimeout(field.waiting);
    const typed = field.value;
    field.waiting = setTimeout(() => act(() => field.value === typed), 200);
  }

  function checkPlan(form, run, server) {
    const field = planOf(form);
    const list = form.querySelector(".problems");
    primaryOf(form).disabled = isRevised(form);
    later(field, async (isCurrent) => {
      const found = isRevised(form) ? await server.check_plan({ run, plan: field.value }) : [];
      if (!isCurrent()) return;
      list.replaceChildren(...found.map((text) => {
        const item = document.createElement("li");
        item.textContent = text;
        return item;
      }));
      showState(form);
    });
  }

  function checkTimes(call, run, server) {
    const start = call.querySelector('[data-time="start"]')?.value ?? "";
    for (const field of call.querySelectorAll("[data-time]")) {
      const place = field.closest(".field");
      later(field, async (isCurrent) => {
        const form = { run, kind: field.dataset.time, phrase: field.value, start };
        const { time, error } = await server.check_time(form);
        if (!isCurrent()) return;
        place.querySelector(".problem").hidden = !error;
        place.querySelector(".problem").textContent = error ?? "";
        if (time) place.querySelector(".hint").textContent = time;
      });
    }
  }

  // The remembered approvals: a click revokes one.
  function approvals(element, server) {
    element.addEventListener("click", async (event) => {
      const button = event.target.closest("[data-revoke]");
      if (!button) return;
      button.disabled = true;
      const { error } = await server.revoke_one({ id: button.dataset.revoke });
      if (!error) {
        location.reload();
        return;
      }
      const text = element.querySelector(".error");
      text.textContent = error;
      text.hidden = false;
      button.disabled = false;
    });
  }

  // The plan's graph. It is made once; then nodes are updated in place, and only where they
  // changed, so that what was dragged stays where it is.
  function graph(element, props, watch) {
    const box = element.querySelector(".graph");
    const nodes = new vis.DataSet();
    const edges = new vis.DataSet();
    const network = new vis.Network(box, { nodes, edges }, {});
    const sent = new Map();
    let shown = null;

    function update() {
      if (!props.value) return; // the page is still being made
      const { run, nodes: now, edges: arrows, options } = JSON.parse(props.value);
      if (run !== shown) {
        network.setOptions(options);
        nodes.clear();
        edges.clear();
        sent.clear();
        shown = run;
      }
      const grown = replace(nodes, now, sent);
      replace(edges, arrows, sent);
      element.classList.toggle("is-empty", !now.length);
      box.dataset.nodes = now.map((node) => `${node.id}:${node.group}`).join(" ");
      if (grown) network.fit({ maxZoomLevel: 1 });
    }

    function recolour() {
      const style = getComputedStyle(element);
      const colour = (name) => style.getPropertyValue(`--${name}`).trim();
      const groups = {};
      for (const state of ["waiting", "running", "asking", "done", "failed", "skipped"]) {
        const background = colour(`${state}-ground`);
        const border = colour(state);
        groups[state] = {
          color: { background, border, highlight: { background, border }, hover: { background, border } },
          font: { color: colour("ink"), face: "system-ui, sans-serif", size: 13 },
        };
      }
      network.setOptions({ groups, edges: { color: { color: colour("skipped"), inherit: false } } });
      nodes.update(nodes.map(({ id, group }) => ({ id, group })));
    }

    update();
    recolour();
    watch("value", update);
    new ResizeObserver(() => network.fit({ maxZoomLevel: 1 })).observe(box);
    new MutationObserver(recolour).observe(document.body, { attributeFilter: ["class"] });
  }

  // Make a DataSet hold `items`, touching only what differs; true if there are new ones.
  function replace(set, items, sent) {
    const ids = new Set(items.map((item) => item.id));
    set.remove(set.getIds().filter((id) => !ids.has(id)));
    let grown = false;
    for (const item of items) {
      const before = set.get(item.id) ? sent.get(item.id) : undefined;
      const differs = ([name, value]) => JSON.stringify(before?.[name]) !== JSON.stringify(value);
      const changed = Object.entries(item).filter(differs);
      if (changed.length) set.update({ id: item.id, ...Object.fromEntries(changed) });
      grown ||= !before;
      sent.set(item.id, item);
    }
    return grown;
  }

  return { session, remember, turn, approvals, graph };
})();
