package web

import (
	"strconv"

	"countersign"
	"countersign/internal/policy"
)

// reasons holds the sentences of "Why am I asked?".
var reasons = map[string]string{
	"why.frequency":        "{Days} over on this device. You last entered a token here on {Day}.",
	"why.every_time":       "{Agency} asks for a token at every sign-in.",
	"why.new_device":       "This device was not seen before with your user ID.",
	"why.network":          "Your network changed: last time {Was}, now {Is}.",
	"why.network_unknown":  "Your network could not be recognized.",
	"why.browser":          "You use another browser on this device: last time {Was}, now {Is}.",
	"why.system":           "The operating system changed: last time {Was}, now {Is}.",
	"why.forgotten":        "This device was forgotten on {Day}, {Is}.",
	"why.password_changed": "Your password was changed, so every device was forgotten.",
	"why.method_changed":   "Your methods were changed, so every device was forgotten.",
	"why.turned_on":        "Two factor authentication or its frequency was changed on {Day}.",
	"why.administrator":    "Administrators are asked at every sign-in.",
	"why.not_remembered":   "You chose not to remember this device.",
	"why.asked":            "A token was asked for when this sign-in began, so it is still needed.",
	"why.clock":            "The time of the last token on this device cannot be trusted.",
}

// why returns the sentence that says why a token is required.
func (b base) why(w policy.Why) string {
	days := strconv.Itoa(w.Days) + " days are"
	if w.Days == 1 {
		days = "1 day is"
	}
	return fill(b.Agency, b.Now, reasons[w.Code], countersign.Args{"Days": days, "Agency": b.Agency.Name,
		"Day": b.Agency.MonthDay(w.Last), "Was": w.Was, "Is": w.Is})
}
