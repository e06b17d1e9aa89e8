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
  // No area code begins with 1, so a 1 in front is the country's; other countries send with the button.
  const phone = document.querySelector("input[data-send-at]");
  const count = () => {
    const typed = phone.value.trim(), digits = typed.replace(/\D/g, "");
    if (digits[0] === "1") return digits.length - 1;
    return typed[0] === "+" ? 0 : digits.length;
  };
  let last = phone ? count() : 0, sent = false;
  phone?.addEventListener("input", () => {
    const digits = count();
    if (digits === Number(phone.dataset.sendAt) && digits > last && !sent) {
      sent = true;
      document.querySelector("[data-sending]").hidden = false;
      phone.form.requestSubmit();
    }
    last = digits;
  });
})();
