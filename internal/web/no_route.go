package web

import (
	"time"

	"countersign"
)

// noRoute reports whether a message waits because no mail server or text gateway is set up on this
// server.
func (s *Server) noRoute(m countersign.Message) bool {
	if m.State != countersign.StateWaiting || failed(m) {
		return false
	}
	if m.Channel == countersign.ChannelSMS {
		return s.Admin.Methods.Of(countersign.MethodSMS) == nil
	}
	return !s.Mail()
}

// noRouteStep is the only step of a test that waits for a mail server or text gateway. A test that
// has expired is not sent later.
func noRouteStep(m countersign.Message, now time.Time) testStep {
	step, code := testStep{Name: waitingFor(m), Word: "Waiting", Badge: "badge-warn"}, "message.no_mail_server"
	if m.Channel == countersign.ChannelSMS {
		code = "message.no_gateway"
	}
	if expired(m, now) {
		step.Word, code = "Not sent in time", code+".over"
	}
	step.Text = sentences[code]
	return step
}

// waitingFor names the step of a test that has not been accepted yet.
func waitingFor(m countersign.Message) string {
	if m.Channel == countersign.ChannelSMS {
		return "Waiting for a text gateway"
	}
	return "Waiting for a mail server"
}

// expired reports whether it is too late to send a message.
func expired(m countersign.Message, now time.Time) bool {
	return !m.Expires.IsZero() && !now.Before(m.Expires)
}
