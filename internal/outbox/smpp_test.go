package outbox_test

import (
	"context"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"countersign"
	"countersign/internal/mtatest"
	"countersign/internal/outbox"
	"countersign/internal/store"
)

// The answers and later receipts of another implementation of a message center are saved in
// each message's row: receipts that come with the answer or before it, twice, after one for
// another message, with the number in another base, over the next connection.
func TestRowsAfterAForeignCenter(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, o *outbox.Outbox, s *sender, c *clock) {
		center := mtatest.StartNodeCenter(t, false)
		o.Text = parse(t, center.URL())
		wants := map[string]struct {
			state   countersign.MessageState
			receipt countersign.Receipt
			answer  string
		}{
			"50": {countersign.StateSent, countersign.ReceiptDelivered, "accepted"},
			"10": {countersign.StateSent, countersign.ReceiptDelivered, "accepted"},
			"11": {countersign.StateSent, countersign.ReceiptDelivered, "accepted"},
			"12": {countersign.StateSent, countersign.ReceiptDelivered, "accepted"},
			"13": {countersign.StateSent, countersign.ReceiptDelivered, "accepted"},
			"14": {countersign.StateSent, countersign.ReceiptDelivered, "accepted"},
			"15": {countersign.StateSent, countersign.ReceiptUndelivered, "accepted"},
			"16": {countersign.StateSent, countersign.ReceiptDelivered, "accepted"},
			"20": {countersign.StateWaiting, "", "0x58 too many messages"},
			"21": {countersign.StateWaiting, "", "0x14 queue full"},
			"22": {countersign.StateRefused, "", "0x0b no such number"},
			"32": {countersign.StateSent, countersign.ReceiptDelivered, "accepted"},
			"34": {countersign.StateSent, countersign.ReceiptDelivered, "accepted"},
			"35": {countersign.StateSent, countersign.ReceiptDelivered, "accepted"},
		}
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { _ = o.Run(ctx) })
		for digits, want := range wants {
			id := countersign.MessageID("to" + digits)
			m := countersign.Message{ID: id, Kind: countersign.MessageTest, Channel: countersign.ChannelSMS, To: "+161455501" + digits, Created: noon, Due: noon}
			if err := db.In(t.Context(), "a", func(tx *store.Tx) error { return tx.AddMessage(t.Context(), m) }); err != nil {
				t.Fatal(err)
			}
			o.Wake()
			for end := time.Now().Add(3 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
				m := message(t, db, id)
				if m.State == want.state && m.Receipt == want.receipt && m.Answer == want.answer {
					if unsure := m.State == countersign.StateWaiting && m.Route != ""; unsure {
						t.Errorf("%s: no other way may be tried: %q", digits, m.Route)
					}
					break
				}
				if time.Now().After(end) {
					t.Fatalf("%s: %s, receipt %q, %q; want %+v", digits, m.State, m.Receipt, m.Answer, want)
				}
			}
		}
		stop()
		running.Wait()
	})
}

// A gateway that accepts the connection and does not answer has no token, so the token is sent
// by the next one.
func TestASilentGatewayIsPassedOver(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(io.Discard, conn); _ = conn.Close() }()
		}
	}()
	silent, err := outbox.ParseSMPP("smpp://cs:secret@" + l.Addr().String() + "?from=%2B16145550100")
	if err != nil {
		t.Fatal(err)
	}
	outbox.Hurry(silent, time.Second)
	second := &way{name: "second"}
	receipt, err := outbox.NewRoutes(silent, second).Send(t.Context(), text)
	if err != nil || receipt.Route != "second" || second.n != 1 {
		t.Errorf("%+v %v, the second was asked %d times", receipt, err, second.n)
	}
	if _, err = outbox.NewRoutes(silent).Send(t.Context(), text); err == nil || !strings.Contains(err.Error(), "it can't be reached") {
		t.Errorf("alone: %v", err)
	}
}
