// Passkeys, sending on the tenth digit, and small conveniences. Every page works
// without scripts, but for passkeys. Written for Safari 15, Chrome 100 and
// Firefox 90 on: what a browser lacks is left out, and its button is there.
(() => {
  "use strict";
  const all = (selector) => Array.from(document.querySelectorAll(selector));

  // Bytes as JSON carries them, in base64url. They are read and written by hand: older
  // browsers have no parse…FromJSON, and answers of password managers no toJSON that works.
  const toBytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const toText = (bytes) => {
    if (typeof bytes === "string") return bytes;
    const view = ArrayBuffer.isView(bytes) ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength) : new Uint8Array(bytes);
    let plain = "";
    for (const b of view) plain += String.fromCharCode(b);
    return btoa(plain).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  };

  // What the browser is asked for, from the JSON of the page.
  const question = (json) => {
    const asked = JSON.parse(json);
    asked.challenge = toBytes(asked.challenge);
    if (asked.user) asked.user.id = toBytes(asked.user.id);
    for (const list of [asked.allowCredentials, asked.excludeCredentials]) {
      for (const one of list || []) one.id = toBytes(one.id);
    }
    return asked;
  };

  // What the browser or its password manager answered, as JSON.
  const answer = (credential) => {
    const { response } = credential;
    const id = toText(credential.rawId || credential.id);
    const said = { clientDataJSON: toText(response.clientDataJSON) };
    for (const part of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (response[part] && (typeof response[part] === "string" || response[part].byteLength > 0)) said[part] = toText(response[part]);
    }
    if (said.attestationObject) {
      try {
        said.transports = response.getTransports();
      } catch (e) {
        said.transports = [];
      }
    }
    return JSON.stringify({ id, rawId: id, type: "public-key", clientExtensionResults: {}, response: said });
  };

  // first reports whether a page opens its prompt by itself: once for each sign-in or change.
  const first = (form) => {
    const of = (name) => (form.elements[name] ? form.elements[name].value : "");
    const key = ["passkey", form.getAttribute("action"), of("form_token"), of("act")].join(" ");
    try {
      if (sessionStorage.getItem(key)) return false;
      sessionStorage.setItem(key, "asked");
      return true;
    } catch (e) {
      return false;
    }
  };

  // A form with data-passkey="get" or "create" carries in data-options what the browser is asked for.
  // The answer goes back as JSON in the field "credential" of the same form: no other request is made.
  const passkeys = (form, P) => {
    const { passkey, options, conditional, report, auto } = form.dataset;
    let waiting;
    const tell = (which) => {
      for (const told of form.querySelectorAll("[data-failed]")) told.hidden = told.dataset.failed !== which;
    };
    const ask = async (mediation, byItself) => {
      if (!mediation && !byItself && !form.reportValidity()) return;
      if (waiting) waiting.abort();
      const stop = (waiting = new AbortController());
      let credential;
      try {
        const request = { publicKey: question(options), signal: stop.signal };
        if (mediation) request.mediation = mediation;
        credential = await navigator.credentials[passkey](request);
      } catch (e) {
        if (mediation || stop.signal.aborted) return; // the page goes on without it
        if (byItself) return tell("auto");
        if (report !== undefined) return form.submit(); // without an answer: the page says what else works
        tell(e.name === "InvalidStateError" ? "known" : "");
        return offer();
      }
      try {
        form.elements.credential.value = answer(credential);
      } catch (e) {
        return report !== undefined ? form.submit() : tell("unread");
      }
      form.submit();
    };
    const offer = async () => {
      if (conditional === undefined || typeof P.isConditionalMediationAvailable !== "function") return;
      if (await P.isConditionalMediationAvailable().catch(() => false)) ask("conditional");
    };
    for (const part of all("[data-without-passkey]")) part.hidden = true;
    for (const part of form.querySelectorAll("[data-needs-passkey]")) part.hidden = false;
    form.querySelector("[data-passkey-start]").addEventListener("click", () => ask());
    if (auto !== undefined && first(form)) ask(undefined, true);
    else offer();
  };
  const form = document.querySelector("form[data-passkey]");
  const able = form && window.PublicKeyCredential && navigator.credentials && window.AbortController;
  if (able && typeof navigator.credentials[form.dataset.passkey] === "function") passkeys(form, window.PublicKeyCredential);

  // The time zone of the browser is proposed.
  const zone = document.querySelector("select[data-propose-zone]");
  const here = zone && window.Intl?.DateTimeFormat().resolvedOptions().timeZone;
  if (here && here !== "UTC") {
    if (![...zone.options].some((o) => o.value === here)) zone.add(new Option(here.replace(/_/g, " "), here));
    zone.value = here;
  }

  // The tenth digit sends the form, once. The page says so above the field, and the button stays.
  // No area code begins with 1, so a 1 in front is the country's; other countries send with the button.
  const phone = document.querySelector("input[data-send-at]");
  if (phone) {
    const sending = document.querySelector("[data-sending]");
    for (const said of all("[data-says-sending]")) said.hidden = false;
    for (const said of all("[data-without-sending]")) said.hidden = true;
    const digits = () => {
      const typed = phone.value.trim(), all = typed.replace(/\D/g, "");
      if (all[0] === "1") return all.length - 1;
      return typed[0] === "+" ? 0 : all.length;
    };
    let last = digits(), sent = false;
    phone.addEventListener("input", () => {
      const now = digits();
      if (now === Number(phone.dataset.sendAt) && now > last && !sent) {
        phone.form.submit(); // not requestSubmit, which Safari 15 lacks
        sent = true;
        sending.hidden = false;
      }
      last = now;
    });
    window.addEventListener("pageshow", (e) => {
      if (!e.persisted) return; // back from the next page: nothing is being sent
      sent = false;
      sending.hidden = true;
    });
  }

  // Passwords can be shown. They are hidden again before they are sent.
  for (const input of all("input[type=password]")) {
    const name = document.createElement("span");
    const button = document.createElement("button");
    const label = input.labels && input.labels.length ? input.labels[0].textContent.trim().toLowerCase() : "password";
    const show = (on) => {
      input.type = on ? "text" : "password";
      button.firstChild.textContent = on ? "Hide" : "Show";
    };
    name.className = "sr";
    name.textContent = " " + label;
    button.type = "button";
    button.className = "linkbtn show-password";
    button.append("Show", name);
    button.addEventListener("click", () => {
      show(input.type === "password");
      input.focus();
    });
    input.form.addEventListener("submit", () => show(false));
    window.addEventListener("pagehide", () => show(false));
    input.parentNode.classList.add("has-show");
    input.parentNode.insertBefore(button, input);
  }

  // While a token is on its way, the line that says so is looked up again, and nothing else of the page changes.
  const line = document.querySelector("[data-look]");
  if (line && window.fetch && window.DOMParser) {
    let looks = 8;
    const look = async () => {
      try {
        const page = await fetch(line.dataset.look, { credentials: "same-origin" });
        const there = new DOMParser().parseFromString(await page.text(), "text/html").querySelector("[data-delivery]");
        const here = document.querySelector("[data-delivery]");
        if (!there || !here) return;
        if (here.textContent !== there.textContent) here.replaceWith(document.importNode(there, true));
        if (there.matches("[data-look]") && --looks > 0) setTimeout(look, 3000);
      } catch (e) {
        return; // the page stays as it is, with its link
      }
    };
    setTimeout(look, 3000);
  }

  // Recovery codes: printed by the browser itself, and copied where it can.
  for (const button of all("[data-print]")) {
    button.addEventListener("click", (e) => {
      e.preventDefault();
      window.print();
    });
  }
  for (const button of all("[data-copy]")) {
    if (!navigator.clipboard || !navigator.clipboard.writeText) continue;
    button.hidden = false;
    button.addEventListener("click", async () => {
      const told = document.querySelector("[data-copied]");
      try {
        await navigator.clipboard.writeText(all(button.dataset.copy).map((e) => e.textContent).join("\n"));
        told.textContent = "All codes are copied.";
      } catch (e) {
        told.textContent = "Your browser didn't copy them. Select the codes and copy them.";
      }
    });
  }
})();
