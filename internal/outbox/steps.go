package outbox

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	"countersign"
	"countersign/internal/store"
)

// examine checks each step of a test mail's delivery and saves the findings with the mail.
func (o *Outbox) examine(ctx context.Context, m countersign.Message, l Outgoing) error {
	if m.Kind != countersign.MessageTest || m.Channel != countersign.ChannelEmail {
		return nil
	}
	server, ok := o.Mail.(*SMTP)
	if !ok { // nothing to check
		return o.Store.SaveFindings(ctx, m, []Finding{})
	}
	whole, cancel := context.WithTimeout(ctx, serverTimeout+checkTimeout)
	defer cancel()
	all := server.Steps(whole)
	if o.Lookup != nil {
		domain := Domain(l.From)
		var keys []countersign.DKIMKey
		err := o.Store.Read(whole, m.Agency, func(tx *store.Tx) (err error) {
			keys, err = tx.DKIMKeys(whole, domain)
			return err
		})
		if err != nil {
			return err
		}
		all = append(all, CheckDomain(whole, o.Lookup, domain, keys)...)
	}
	return o.Store.SaveFindings(ctx, m, all)
}

// The steps of an SMTP session, with the names that people see.
const (
	stepConnection = "Connection"
	stepEncryption = "Encryption"
	stepLogin      = "Sign-in"
)

// Steps connects to the mail server as if to send mail, and returns a finding for each step up
// to the first that fails.
func (s *SMTP) Steps(ctx context.Context) []Finding {
	ctx, cancel := context.WithTimeout(ctx, serverTimeout)
	defer cancel()
	steps := []Finding{{Subject: stepConnection, Level: Good, Text: fmt.Sprintf("%s, port %d", s.host, s.port)}}
	session, err := s.converse(ctx, time.Time{})
	if err != nil {
		return s.stopped(steps, err)
	}
	defer session.quit()
	return append(steps, s.encryption(session.state()), s.signIn())
}

// secured describes the encryption, by the tls option of the URL.
var secured = map[string]string{"starttls": "STARTTLS", "implicit": "TLS from the first byte", "none": "none"}

// stopped returns the findings when a step failed.
func (s *SMTP) stopped(steps []Finding, err error) []Finding {
	bad := Finding{Level: Fatal, Text: s.explain(err)}
	var f *fault
	switch {
	case errors.As(err, &f) && f.phase == phaseEncryption:
		bad.Subject = stepEncryption
	case f != nil && f.phase == phaseLogin:
		bad.Subject = stepLogin
		steps = append(steps, Finding{Subject: stepEncryption, Level: Good, Text: secured[s.security]})
	default:
		bad.Subject, bad.Text = stepConnection, steps[0].Text+": "+bad.Text
		steps = nil
	}
	return append(steps, bad)
}

// encryption describes the encryption of the session.
func (s *SMTP) encryption(state *tls.ConnectionState) Finding {
	f := Finding{Subject: stepEncryption, Level: Good}
	if state == nil {
		f.Text = "none"
		if !isLocal(s.host) {
			f.Level, f.Fix = Warn, "Anybody on the way reads the tokens: use tls=starttls or tls=implicit in --smtp-url."
		}
		return f
	}
	f.Text = secured[s.security] + ", " + tls.VersionName(state.Version)
	if len(state.PeerCertificates) > 0 {
		end := state.PeerCertificates[0].NotAfter
		f.Text += ", certificate valid until " + countersign.Agency{}.Date(end)
		if time.Until(end) < 14*24*time.Hour {
			f.Level, f.Fix = Warn, "Ask who runs the server to renew it in time: after that day no mail goes out."
		}
	}
	return f
}

// signIn describes the login of the session.
func (s *SMTP) signIn() Finding {
	if s.login == "" {
		return Finding{Subject: stepLogin, Level: Good, Text: "none is set"}
	}
	return Finding{Subject: stepLogin, Level: Good, Text: "as " + s.user}
}
