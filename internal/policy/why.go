package policy

import (
	"time"

	"countersign"
)

// A Why explains why a token is asked for: the code of one sentence and the values
// that fill it.
type Why struct {
	Code string
	Days int
	Last time.Time // the last token here, or when the device was forgotten
	Was  string
	Is   string
}

// WhyAsked explains why a token is asked for, from the same facts as Next.
func WhyAsked(f Facts) Why {
	d, known := f.nearest()
	switch {
	case f.Attempt.TokenAsked && (!f.Agency.TwoFactor || f.Remembered()):
		return Why{Code: "why.asked"}
	case f.Agency.Days == 0:
		return Why{Code: "why.every_time"}
	case f.adminAlways():
		return Why{Code: "why.administrator"}
	case f.Client.Network() == "":
		return Why{Code: "why.network_unknown"}
	case !known || d.LastToken.IsZero():
		return f.whyNew()
	case !SameNetwork(f.Agency.Network, d.Client, f.Client):
		return Why{Code: "why.network", Was: d.Client.Address(), Is: f.Client.Address()}
	case !sameBrowser(d.Client, f.Client):
		return Why{Code: "why.browser", Was: d.Client.Browser, Is: f.Client.Browser}
	case d.Client.OS != f.Client.OS:
		return Why{Code: "why.system", Was: d.Client.OS, Is: f.Client.OS}
	case d.Declined:
		return Why{Code: "why.not_remembered"}
	case !d.Forgotten.IsZero():
		return whyForgotten(d)
	case f.Now.Before(d.Proved.Add(-Skew)):
		return Why{Code: "why.clock"}
	default:
		return Why{Code: "why.frequency", Days: f.Agency.Days, Last: d.LastToken}
	}
}

// whyNew explains the request on a browser without an earlier token of this user:
// either two factor authentication or the device is new.
func (f Facts) whyNew() Why {
	if f.Known && len(f.Devices) > 0 && !f.Agency.Since.IsZero() {
		return Why{Code: "why.turned_on", Last: f.Agency.Since}
	}
	return Why{Code: "why.new_device"}
}

func whyForgotten(d countersign.Device) Why {
	switch d.ForgottenReason {
	case countersign.ForgottenPassword:
		return Why{Code: "why.password_changed"}
	case countersign.ForgottenMethods, countersign.ForgottenReset, countersign.ForgottenEmail:
		return Why{Code: "why.method_changed"}
	case countersign.ForgottenTurnedOff, countersign.ForgottenFrequency:
		return Why{Code: "why.turned_on", Last: d.Forgotten}
	case countersign.ForgottenByUser:
		return Why{Code: "why.forgotten", Last: d.Forgotten, Is: "by you"}
	default:
		return Why{Code: "why.forgotten", Last: d.Forgotten, Is: "by an administrator"}
	}
}

// nearest returns the connection of this browser that differs least from the
// client; among equals, the one with the latest token. false if there is none.
func (f Facts) nearest() (countersign.Device, bool) {
	if !f.Known {
		return countersign.Device{}, false
	}
	var best countersign.Device
	found, bestScore := false, -1
	for _, d := range f.Devices {
		score := 0
		if sameBrowser(d.Client, f.Client) {
			score += 2
		}
		if d.Client.OS == f.Client.OS {
			score += 2
		}
		if SameNetwork(f.Agency.Network, d.Client, f.Client) {
			score++
		}
		if score > bestScore || score == bestScore && d.LastToken.After(best.LastToken) {
			best, bestScore, found = d, score, true
		}
	}
	return best, found
}
