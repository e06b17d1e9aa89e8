package outbox

import (
	"context"
	"errors"
	"net"
	"net/url"
	"strings"

	"countersign"
	"countersign/internal/smpp"
)

// An SMPP is a gateway that is reached by the SMPP protocol, over a permanent connection.
type SMPP struct {
	host     string
	from     string
	client   *smpp.Client
	receipts chan smpp.Receipt
}

// ParseSMPP parses smpp://user:pass@host:2775?from=+16145550100; tls is none (the default of
// such gateways) or implicit, ca names a file with the certificate of a private authority.
func ParseSMPP(raw string) (*SMPP, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "smpp" || u.Hostname() == "" || u.User.Username() == "" || strings.Trim(u.Path, "/") != "" {
		return nil, errors.New("it must look like smpp://user:password@gateway.example:2775?from=%2B16145550100")
	}
	if err := checkOptions(u, "from", "tls", "ca"); err != nil {
		return nil, err
	}
	port := u.Port()
	if port == "" {
		port = "2775"
	}
	s := &SMPP{host: u.Hostname(), from: sender(u), receipts: make(chan smpp.Receipt, 1000)}
	settings := smpp.Settings{Address: net.JoinHostPort(u.Hostname(), port), User: u.User.Username(), Timeout: sendTimeout, Received: s.queue}
	settings.Password, _ = u.User.Password()
	switch u.Query().Get("tls") {
	case "", "none":
	case "implicit":
		if settings.TLS, err = tlsOf(s.host, u.Query().Get("ca")); err != nil {
			return nil, err
		}
	default:
		return nil, errors.New("tls must be implicit or none")
	}
	s.client = &smpp.Client{Settings: settings}
	return s, nil
}

// queue queues a receipt for Run. It drops the receipt if the queue is full.
func (s *SMPP) queue(r smpp.Receipt) {
	select {
	case s.receipts <- r:
	default:
	}
}

// Name returns the gateway's address and our login there.
func (s *SMPP) Name() string { return "smpp " + s.client.User + "@" + s.client.Address }

// Run keeps the connection up until ctx ends, and passes on receipts.
func (s *SMPP) Run(ctx context.Context, tell func(DeliveryReport)) {
	done := make(chan struct{})
	go func() { defer close(done); _ = s.client.Run(ctx) }()
	for {
		select {
		case r := <-s.receipts:
			report := DeliveryReport{Tags: r.IDs}
			if r.Final {
				report.Receipt = map[bool]countersign.Receipt{true: countersign.ReceiptDelivered, false: countersign.ReceiptUndelivered}[r.Delivered]
			}
			tell(report)
		case <-done:
			return
		}
	}
}

// Close closes the connection of a program that does not call Run.
func (s *SMPP) Close() { s.client.Close() }

// Send sends one text.
func (s *SMPP) Send(ctx context.Context, l Outgoing) (Receipt, error) {
	id, err := s.client.Submit(ctx, smpp.Message{From: s.from, To: l.To, Text: l.Text, Life: l.Life})
	if err == nil {
		return Receipt{Server: s.host, Answer: "accepted", Tag: id}, nil
	}
	r := &Refusal{Server: s.host, Answer: "it can't be reached", Reason: countersign.ReasonUnreachable, MaybeTaken: smpp.Unsure(err), Err: err}
	var status smpp.Status
	switch {
	case errors.As(err, &status):
		r.Answer, r.Reason, r.Permanent = "a status that is not known here", countersign.ReasonSettings, status == smpp.BadDestination
		if status.Known() {
			r.Answer = status.Error()
		}
		switch status {
		case smpp.BadDestination:
			r.Reason = countersign.ReasonNoAddress
		case smpp.QueueFull, smpp.Throttled:
			r.Reason = countersign.ReasonRateLimited
		case smpp.SystemError, smpp.SubmitFailed:
			r.Reason = countersign.ReasonLater
		}
		if strings.Contains(err.Error(), "login") {
			r.Answer = "it did not take our login: " + r.Answer
		}
	case r.MaybeTaken:
		r.Answer, r.Reason = "there was no answer; the message may have been taken", countersign.ReasonSilent
	}
	return Receipt{}, r
}
