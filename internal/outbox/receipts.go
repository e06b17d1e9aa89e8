package outbox

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"countersign"
	"countersign/internal/store"
)

// A Callback is a gateway's report about a message.
type Callback struct {
	URL    string // as the gateway was given it
	Header http.Header
	Form   url.Values
	Body   []byte // of a callback that is not a form
	Now    time.Time
}

// maxCallbackAge is how old a callback with a time may be. An older one may be a replay.
const maxCallbackAge = 5 * time.Minute

func (c Callback) recent(t time.Time) bool {
	age := c.Now.Sub(t)
	return age < maxCallbackAge && age > -maxCallbackAge
}

// Why a callback was rejected.
var (
	ErrForged  = errors.New("the signature of a receipt is not right, or it is old")
	ErrUnread  = errors.New("a receipt can't be read")
	ErrUnknown = errors.New("a receipt is for no message of this agency")
)

// Receive saves what a gateway reported by a callback about a message of the agency. kind is
// twilio, vonage or webhook.
func (o *Outbox) Receive(ctx context.Context, agency countersign.AgencyID, kind string, c Callback) error {
	routes, _ := o.Text.(*Routes)
	if routes == nil {
		return ErrUnknown
	}
	err := ErrUnknown
	for _, g := range routes.Gateways() {
		reads, ok := g.(interface {
			Read(Callback) (DeliveryReport, error)
		})
		if !ok || !strings.HasPrefix(g.Name(), kind+" ") {
			continue
		}
		var report DeliveryReport
		if report, err = reads.Read(c); err != nil {
			continue // another account of the same kind may have signed it
		}
		return o.saveReceipt(ctx, g.Name(), report, func(tag string) (known bool, err error) {
			err = o.Store.In(ctx, agency, func(tx *store.Tx) (err error) {
				known, err = tx.SaveReceipt(ctx, g.Name(), tag, report.Receipt, o.now())
				return err
			})
			return known, err
		})
	}
	return err
}

// saveReceipt saves a receipt with keep. A receipt may arrive before the message's row has the
// gateway's ID, so it tries a few times to find the message.
func (o *Outbox) saveReceipt(ctx context.Context, route string, t DeliveryReport, keep func(tag string) (bool, error)) error {
	if t.Receipt == "" {
		return nil // still on its way: nothing to save
	}
	for _, wait := range []time.Duration{0, 200 * time.Millisecond, time.Second} {
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C:
		}
		for _, tag := range t.Tags {
			if known, err := keep(legible(tag)); known || err != nil {
				return err
			}
		}
	}
	o.Log.Warn("receipt for an unknown message", "route", route)
	return ErrUnknown
}

// saveReceipts returns a function that saves what a gateway reports over its own connection,
// for any agency.
func (o *Outbox) saveReceipts(ctx context.Context) func(route string, t DeliveryReport) {
	return func(route string, t DeliveryReport) {
		err := o.saveReceipt(ctx, route, t, func(tag string) (bool, error) {
			return o.Store.SaveReceipt(ctx, route, tag, t.Receipt, o.now())
		})
		if err != nil && !errors.Is(err, ErrUnknown) && ctx.Err() == nil {
			o.Log.Error("save receipt", "route", route, "error", err)
		}
	}
}
