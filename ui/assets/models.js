// The Models page in the browser: begins, follows and ends a retraining, switches versions.
window.tinyagentModels = (element, server) => {
  const part = (name) => element.querySelector(`.${name}`);
  let waiting = null;

  // What is shown, as it is now; again a second later while a retraining runs.
  async function look(form = false) {
    clearTimeout(waiting);
    let found;
    try {
      found = await server.look({ form });
    } catch {
      waiting = setTimeout(look, 5000); // TinyAgent was closed; the retraining goes on
      return;
    }
    if (found.form !== undefined) part("retraining").innerHTML = found.form;
    replace(part("job-view"), found.job);
    replace(part("versions-view"), found.versions);
    element.classList.toggle("at-work", found.running);
    if (found.running) waiting = setTimeout(look, 1000);
  }

  // Only where it differs: what was unfolded stays so.
  function replace(place, markup) {
    if (place.shown === markup) return;
    place.shown = markup;
    place.innerHTML = markup;
  }

  async function act(button, call) {
    const error = part("retraining").querySelector(".error");
    error.hidden = true;
    button.disabled = true;
    let reply;
    try {
      reply = await call();
    } catch {
      reply = { error: "TinyAgent does not answer. Is it still running? Then try again." };
    }
    button.disabled = false;
    error.textContent = reply.error ?? "";
    error.hidden = !reply.error;
    look();
  }

  element.addEventListener("submit", (event) => {
    event.preventDefault();
    const fields = event.target.elements;
    const asked = {
      planner: fields.planner.checked,
      promote: fields.promote.checked,
      minutes: fields.minutes.value,
      rows: fields.rows.value,
      fixed: fields.fixed.value,
    };
    act(event.target.querySelector("[type=submit]"), () => server.retrain(asked));
  });

  element.addEventListener("click", (event) => {
    const at = (selector) => event.target.closest(selector);
    const button = at("button");
    if (at("[data-cancel]")) act(button, () => server.end({}));
    if (at("[data-resume]")) act(button, () => server.go_on({}));
    if (at("[data-use]")) {
      const chosen = { part: at("[data-part]").dataset.part, version: button.dataset.use };
      act(button, () => server.use(chosen));
    }
  });

  look(true);
};
