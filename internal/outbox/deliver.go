package outbox

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"time"

	"countersign"
	"countersign/internal/store"
	"countersign/internal/wording"
)

// deliver tries to send one message and saves the outcome.
func (o *Outbox) deliver(ctx context.Context, m countersign.Message) error {
	claim := &lease{outbox: o, m: m}
	release := claim.renewUntil(ctx)
	defer release()
	l, err := o.render(ctx, m)
	var unwritten *Refusal
	switch {
	case errors.As(err, &unwritten):
		return o.scheduleRetry(ctx, claim, m, unwritten)
	case err != nil:
		return errors.Join(err, o.scheduleRetry(ctx, claim, m, &Refusal{Server: m.Server, Answer: m.Answer, Reason: m.Reason})) // nothing was sent: the database failed
	}
	if !m.Expires.IsZero() && !o.now().Before(m.Expires) {
		m.State, m.Done = countersign.StateDropped, o.now()
		return claim.save(ctx, m)
	}
	if !m.Expires.IsZero() {
		l.Life = m.Expires.Sub(o.now())
	}
	m.Tries++
	l.Begin = claim.start
	if err := claim.begin(ctx, m); err != nil {
		return ignoreLost(err)
	}
	receipt, err := o.sender(m.Channel).Send(ctx, l)
	receipt.Tag = tagFor(l, receipt.Tag)
	return errors.Join(o.saveResult(ctx, claim, receipt, err), o.examine(ctx, m, l))
}

func (o *Outbox) sender(c countersign.Channel) Sender {
	if c == countersign.ChannelSMS {
		return o.Text
	}
	return o.Mail
}

func ignoreLost(err error) error {
	if errors.Is(err, errLost) {
		return nil
	}
	return err
}

// saveResult saves the outcome of a try.
func (o *Outbox) saveResult(ctx context.Context, claim *lease, receipt Receipt, err error) error {
	m := claim.message()
	var refusal *Refusal
	switch {
	case err == nil:
		m.State, m.Server, m.Answer, m.Reason, m.Done = countersign.StateSent, receipt.Server, Redact(receipt.Answer), "", o.now()
		m.Route, m.Tag = receipt.Route, receipt.Tag
	case errors.Is(err, errLost):
		return nil
	case errors.As(err, &refusal) && refusal.Permanent:
		m.State, m.Server, m.Done, m.Route = countersign.StateRefused, refusal.Server, o.now(), ""
		m.Answer, m.Reason = refusal.stored()
	case refusal != nil:
		m.Route = refusal.Route
		return o.scheduleRetry(ctx, claim, m, refusal)
	default: // our own error, not for pages
		o.Log.Error("send message", "id", m.ID, "error", err)
		return o.scheduleRetry(ctx, claim, m, &Refusal{Server: outboxName, Answer: "it could not be handed over"})
	}
	o.Log.Info("message", "id", m.ID, "kind", m.Kind, "channel", m.Channel, "state", m.State, "reason", m.Reason, "server", m.Server, "tries", m.Tries)
	return claim.save(ctx, m)
}

// render renders a message in the name of its agency.
func (o *Outbox) render(ctx context.Context, m countersign.Message) (Outgoing, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	a, err := o.Store.Agency(ctx, m.Agency)
	if err != nil {
		return Outgoing{}, err
	}
	a.URL = o.URL(a)
	from := o.From
	if a.MailFrom != "" {
		from = a.MailFrom
	}
	var p countersign.Preferences
	var keys []countersign.DKIMKey
	var own countersign.Wording
	kind, worded := wording.For(m.Kind, m.Channel)
	err = o.Store.Read(ctx, a.ID, func(tx *store.Tx) (err error) {
		if p, err = tx.Preferences(ctx); err == nil && m.Channel == countersign.ChannelEmail {
			keys, err = tx.DKIMKeys(ctx, Domain(from))
		}
		if err == nil && worded {
			own, err = tx.Wording(ctx, kind.Name)
		}
		return err
	})
	if err != nil {
		return Outgoing{}, err
	}
	l, err := Render(a, p, m, from, o.wordingFor(a, kind, own))
	if err != nil {
		return l, &Refusal{Server: outboxName, Answer: "the letter can't be written: " + err.Error(), Err: err}
	}
	l.Route = m.Route
	if strings.HasPrefix(a.URL, "https://") {
		l.Callback = a.URL
	}
	for _, k := range keys {
		if k.Signs {
			l.DKIM = k
		}
	}
	return l, nil
}

// wordingFor returns an agency's own wording of a message. If it can't be read, the original
// text is sent instead, so that no token is lost, and the log says so.
func (o *Outbox) wordingFor(a countersign.Agency, kind wording.Kind, own countersign.Wording) wording.Texts {
	if own.Version == 0 {
		return wording.Texts{}
	}
	words, err := kind.Read(own)
	if err != nil {
		o.Log.Error("the agency's wording can't be read, so the original text is sent", "agency", a.Code, "wording", kind.Name, "error", err)
		return wording.Texts{}
	}
	return words
}

// maybeTakenDelays are the waits before a message that may have been taken is sent again: each
// try may deliver another copy.
var maybeTakenDelays = []time.Duration{time.Minute, 10 * time.Minute, time.Hour, 4 * time.Hour, 12 * time.Hour}

// retryDelay returns how long a message waits for its next try.
func retryDelay(m countersign.Message) time.Duration {
	tries := max(m.Tries-1, 0)
	if m.Route != "" {
		wait := maybeTakenDelays[min(tries, len(maybeTakenDelays)-1)]
		return wait + rand.N(wait/4) // #nosec G404 -- it spreads retries, no secret
	}
	wait := min(firstRetryDelay<<min(tries, 20), maxRetryDelay)
	return wait/2 + rand.N(wait) // #nosec G404 -- it spreads retries, no secret
}

// scheduleRetry schedules the next try of a message, each time a little later and at random,
// so that retries don't coincide. A message older than maxAge is given up.
func (o *Outbox) scheduleRetry(ctx context.Context, claim *lease, m countersign.Message, refusal *Refusal) error {
	now := o.now()
	m.Due = now.Add(retryDelay(m))
	m.State, m.Server = countersign.StateWaiting, refusal.Server
	m.Answer, m.Reason = refusal.stored()
	if m.Expires.IsZero() && now.Sub(m.Created) > maxAge {
		m.State, m.Done = countersign.StateRefused, now
	}
	o.Log.Warn("message not sent", "id", m.ID, "kind", m.Kind, "channel", m.Channel, "server", m.Server, "reason", m.Reason, "answer", m.Answer, "tries", m.Tries)
	return claim.save(ctx, m)
}
