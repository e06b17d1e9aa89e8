// The tenth digit sends the form, once. The page says so above the field, and the button stays.
(() => {
  "use strict";
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
