// The button to speak with: records, sends the sound as it comes, shows the words so far.
// Press it, speak, press it again; or hold it while speaking. Escape throws a recording away.
window.tinyagentVoice = (() => {
  const HELD = 600; // milliseconds: a longer press records while it lasts
  const REFUSED = {
    NotAllowedError:
      "The browser does not let this page use the microphone. Allow it beside the address, then press Speak again.",
    NotFoundError: "There is no microphone. Connect one, then press Speak again; or choose a file.",
    NotReadableError: "Another program is using the microphone. Close it, then press Speak again.",
  };
  const FORBIDDEN =
    "The system does not let the browser use the microphone. Allow it in the system's privacy settings, then press Speak again.";
  const ELSEWHERE =
    "The browser has no microphone for a page from another computer, unless it comes over HTTPS. Type, or choose a file.";
  const GONE = "TinyAgent does not answer. Is it still running? Then press Speak again.";
  const UNPLUGGED = "The microphone is not there any more. What you said until then is written down.";

  // What happened, and what to do about it.
  function refusal({ name, message }) {
    if (name === "NotAllowedError" && /system/i.test(message)) return FORBIDDEN;
    if (name === "Error") return message;
    return REFUSED[name] ?? `The microphone cannot be used (${message}). Press Speak again, or choose a file.`;
  }

  // `hear` is told the token of a recording that was written down.
  return function voice(element, hear) {
    const button = element.querySelector("[data-speak]");
    const live = element.querySelector(".so-far");
    const problem = element.querySelector(".error");
    let recording = null;
    let pressed = 0;

    function show(state, words = "") {
      element.dataset.state = state;
      button.setAttribute("aria-pressed", String(state === "listening"));
      button.disabled = state === "starting" || state === "writing";
      button.querySelector(".label").textContent = state === "listening" ? "Stop" : "Speak";
      tell(words);
    }

    function tell(words) {
      live.textContent = words;
      live.scrollTop = live.scrollHeight; // of many words, the last ones
    }

    function fail(message) {
      recording?.close();
      recording = null;
      show("idle");
      warn(message);
    }

    async function begin() {
      problem.hidden = true;
      show("starting");
      try {
        recording = await record({
          told,
          lost: () => recording && fail(GONE),
          loud: (level) => element.style.setProperty("--level", level.toFixed(2)),
          unplugged: () => {
            end();
            warn(UNPLUGGED);
          },
        });
        show("listening", live.dataset.listening);
      } catch (error) {
        fail(refusal(error));
      }
    }

    function end() {
      if (element.dataset.state !== "listening") return;
      show("writing", live.textContent === live.dataset.listening ? "Writing it down" : live.textContent);
      recording.end();
    }

    function warn(message) {
      problem.textContent = message;
      problem.hidden = false;
    }

    function told({ partial, doing, over, note, heard, error }) {
      if ((partial || doing) && recording) tell(partial || doing);
      if (over) end();
      if (note) warn(note);
      if (error) fail(error);
      if (heard) {
        recording.close();
        recording = null;
        show("idle");
        hear(heard);
      }
    }

    button.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      pressed = event.timeStamp;
      if (element.dataset.state === "idle") begin();
      else end();
    });
    button.addEventListener("pointerup", (event) => {
      if (event.timeStamp - pressed > HELD) end();
    });
    button.addEventListener("click", (event) => {
      if (event.detail) return; // by a pointer: handled above
      if (element.dataset.state === "idle") begin();
      else end();
    });
    document.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || element.dataset.state !== "listening") return;
      event.preventDefault();
      event.stopImmediatePropagation();
      recording.close();
      recording = null;
      show("idle");
    }, true);
    show("idle");
  };

  // Record and send. `told` gets the server's messages, `lost` is called where it goes away, and
  // `unplugged` where the microphone does; `loud` gets how loud it is, from 0 to 1. Resolves once
  // sound is taken in; rejects where there is no microphone to be had. What is said before the
  // server answers waits in `early`.
  async function record({ told, lost, loud, unplugged }) {
    if (!navigator.mediaDevices) throw new Error(ELSEWHERE);
    const context = new AudioContext();
    let stream, socket;
    const hush = () => {
      stream?.getTracks().forEach((track) => track.stop());
      if (context.state !== "closed") context.close();
      loud(0);
    };
    const close = () => {
      hush();
      if (!socket) return;
      socket.onclose = null;
      socket.close();
    };
    try {
      await context.audioWorklet.addModule("/ui/microphone.js").catch(() => {
        throw new Error(GONE);
      });
      stream = await navigator.mediaDevices.getUserMedia({
        audio: { channelCount: 1, echoCancellation: false, noiseSuppression: false },
      });
      await context.resume();
    } catch (error) {
      close();
      throw error;
    }
    stream.getTracks().forEach((track) => track.addEventListener("ended", unplugged));
    const node = new AudioWorkletNode(context, "microphone", {
      numberOfOutputs: 0,
      channelCount: 1,
      channelCountMode: "explicit",
    });
    socket = new WebSocket(`${location.origin.replace("http", "ws")}/voice`);
    const early = [JSON.stringify({ rate: context.sampleRate })];
    socket.onopen = () => early.splice(0).forEach((data) => socket.send(data));
    socket.onmessage = ({ data }) => told(JSON.parse(data));
    socket.onclose = () => {
      hush();
      lost();
    };
    node.port.onmessage = ({ data }) => {
      const sent = data ? data.buffer : JSON.stringify({ end: true });
      if (socket.readyState === WebSocket.OPEN) socket.send(sent);
      else early.push(sent);
      if (data) loud(data.reduce((most, one) => Math.max(most, Math.abs(one)), 0) / 32768);
      else hush();
    };
    context.createMediaStreamSource(stream).connect(node);
    return { end: () => node.port.postMessage("end"), close };
  }
})();
