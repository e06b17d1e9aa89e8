// Passkeys, and sending on the tenth digit. Every other page works without scripts.
(() => {
  "use strict";

  // A form with data-passkey="get" or "create" carries in data-options what the browser is asked for.
  // The answer goes back as JSON in the field "credential" of the same form: no other request is made.
  const form = document.querySelector("form[data-passkey]"), P = window.PublicKeyCredential;
  if (form && P?.parseRequestOptionsFromJSON) {
    const { passkey, options, conditional, report } = form.dataset;
    let waiting;
    const ask = async (mediation) => {
      if (!mediation && !form.reportValidity()) return;
      waiting?.abort();
      const { signal } = (waiting = new AbortController());
      const json = JSON.parse(options);
      const publicKey = passkey === "create" ? P.parseCreationOptionsFromJSON(json) : P.parseRequestOptionsFromJSON(json);
      try {
        form.elements.credential.value = JSON.stringify(await navigator.credentials[passkey]({ publicKey, mediation, signal }));
        form.submit();
      } catch (e) {
        if (mediation || e.name === "AbortError") return;
        if (report !== undefined) return form.submit(); // without an answer: a prompt that failed is counted
        for (const told of form.querySelectorAll("[data-failed]")) told.hidden = told.dataset.failed !== (e.name === "InvalidStateError" ? "known" : "");
        offer();
      }
    };
    const offer = async () => {
      if (conditional !== undefined && (await P.isConditionalMediationAvailable?.())) ask("conditional");
    };
    for (const part of document.querySelectorAll("[data-without-passkey]")) part.hidden = true;
    for (const part of form.querySelectorAll("[data-needs-passkey]")) part.hidden = false;
    form.querySelector("[data-passkey-start]").addEventListener("click", () => ask());
    offer();
  }

  // The time zone of the browser is proposed.
  const zone = document.querySelector("select[data-propose-zone]");
  const here = zone && window.Intl?.DateTimeFormat().resolvedOptions().timeZone;
  if (here && here !== "UTC") {
    if (![...zone.options].some((o) => o.value === here)) zone.add(new Option(here.replace(/_/g, " "), here));
    zone.value = here;
  }

  // The tenth digit sends the form, once. The page says so above the field, and the button stays.
  const phone = document.querySelector("input[data-send-at]");
  let last = phone ? phone.value.replace(/\D/g, "").length : 0, sent = false;
  phone?.addEventListener("input", () => {
    const digits = phone.value.replace(/\D/g, "").length;
    if (digits === Number(phone.dataset.sendAt) && digits > last && !sent) {
      sent = true;
      document.querySelector("[data-sending]").hidden = false;
      phone.form.requestSubmit();
    }
    last = digits;
  });
})();
