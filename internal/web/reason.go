package web

import (
	"cmp"
	"fmt"

	"countersign"
)

// reasonText holds the sentences that tell a user why a token could not be delivered; %s is the
// address or number. The server's own words are for administrators (OT-10).
var reasonText = map[countersign.Reason]string{
	countersign.ReasonMailboxFull: "The mailbox of %s is full. Make room in it and ask for a new token, or use another method.",
	countersign.ReasonNoAddress:   "%s doesn't exist or can't receive messages. Use another method, or ask an administrator to check it.",
	countersign.ReasonBlocked:     "The message to %s was blocked as unwanted. Use another method, or tell an administrator.",
	countersign.ReasonStopped:     "%s has opted out of text messages. Reply START to our number, or use another method.",
	countersign.ReasonTooLarge:    "The message to %s was refused as too large. Use another method, or tell an administrator.",
	countersign.ReasonRefused:     "The message to %s was refused. Use another method, or tell an administrator.",
}

// whyRefused returns the sentence for a message that was refused for good.
func whyRefused(m countersign.Message, to string) string {
	return fmt.Sprintf(cmp.Or(reasonText[m.Reason], reasonText[countersign.ReasonRefused]), to)
}

// whyDelayed says why a token waits. server is "mail server" or "text service".
func whyDelayed(m countersign.Message, server string) string {
	switch m.Reason {
	case countersign.ReasonMailboxFull:
		return "Your mailbox is full."
	case countersign.ReasonLater, countersign.ReasonRateLimited:
		return "The " + server + " asked us to try again later."
	case countersign.ReasonUnreachable, countersign.ReasonSilent, "":
		return "The " + server + " doesn't answer."
	default: // login, certificate, sender: administrators see which
		return "The " + server + " can't be used right now."
	}
}
