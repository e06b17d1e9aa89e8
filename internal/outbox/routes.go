package outbox

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"countersign"
)

// A Gateway sends text messages. Its name is the same on all nodes and after restarts, because
// messages store it.
type Gateway interface {
	Sender
	Name() string
}

// cooldown is how long a gateway that failed is tried only after the others.
const cooldown = 30 * time.Second

// Routes are the gateways for text messages, in order of preference. The next one is used only
// if the one before certainly did not take the message, so that a token never goes out twice.
type Routes struct {
	all []Gateway

	mu   sync.Mutex
	away map[string]time.Time // until when a gateway is tried last
}

// gateways parse a gateway's URL, by its scheme.
var gateways = map[string]func(string) (Gateway, error){
	"twilio":        func(raw string) (Gateway, error) { return ParseTwilio(raw) },
	"vonage":        func(raw string) (Gateway, error) { return ParseVonage(raw) },
	"smpp":          func(raw string) (Gateway, error) { return ParseSMPP(raw) },
	"webhook+https": func(raw string) (Gateway, error) { return ParseWebhook(raw) },
	"webhook+http":  func(raw string) (Gateway, error) { return ParseWebhook(raw) },
}

// severalGateways detects a second gateway in a URL, where a list was written into one value.
// Otherwise it would be taken for the end of a secret.
var severalGateways = regexp.MustCompile(`[,;\s](?:twilio|vonage|smpp|webhook\+https?)://`)

// ParseRoutes parses the URLs of the gateways, in order of preference.
func ParseRoutes(urls []string) (*Routes, error) {
	var all []Gateway
	names := map[string]bool{}
	for i, raw := range urls {
		if severalGateways.MatchString(raw) {
			return nil, errors.New("these are several gateways; give each one with a --sms-url of its own, or on a line of --sms-url-file")
		}
		scheme, _, _ := strings.Cut(raw, ":")
		parse := gateways[scheme]
		if parse == nil {
			return nil, errors.New("it must begin with twilio://, vonage://, smpp:// or webhook+https://")
		}
		g, err := parse(raw)
		if err != nil && len(urls) > 1 {
			return nil, fmt.Errorf("number %d: %w", i+1, err)
		}
		if err != nil {
			return nil, err
		}
		if names[g.Name()] {
			return nil, fmt.Errorf("number %d: %s is given twice", i+1, g.Name())
		}
		names[g.Name()] = true
		all = append(all, g)
	}
	return NewRoutes(all...), nil
}

// NewRoutes returns routes with these gateways, in order of preference.
func NewRoutes(all ...Gateway) *Routes { return &Routes{all: all, away: map[string]time.Time{}} }

// Gateways returns the gateways, in order of preference.
func (r *Routes) Gateways() []Gateway { return r.all }

// Send sends a text through the first gateway that accepts it. If a gateway may have the
// message already, only that one is tried, until it refuses for good: being unreachable now
// says nothing about the earlier try. No gateway is tried after the token has expired.
func (r *Routes) Send(ctx context.Context, l Outgoing) (Receipt, error) {
	if l.Life > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, l.Life)
		defer cancel()
	}
	var last error
	for _, g := range r.order(l.Route) {
		if l.Begin != nil {
			if err := l.Begin(ctx, g.Name()); err != nil {
				return Receipt{}, err
			}
		}
		receipt, err := g.Send(ctx, l)
		if err == nil {
			r.mark(g, false)
			receipt.Route = g.Name()
			return receipt, nil
		}
		last = err
		var refusal *Refusal
		if errors.As(err, &refusal) && refusal.Permanent {
			return Receipt{}, err
		}
		away := refusal == nil || !refusal.MaybeTaken
		if away {
			r.mark(g, true)
		}
		if refusal != nil && (!away || l.Route != "") {
			refusal.MaybeTaken, refusal.Route = true, g.Name()
			return Receipt{}, err
		}
	}
	if last == nil {
		return Receipt{}, &Refusal{Server: l.Route, Answer: "this gateway is not set up any more, and may have the message", MaybeTaken: true, Route: l.Route}
	}
	return Receipt{}, last
}

// order returns the gateways in the order to try them; those that failed recently come last.
// only names the one that may have the message; empty: none.
func (r *Routes) order(only string) []Gateway {
	r.mu.Lock()
	defer r.mu.Unlock()
	var first, last []Gateway
	for _, g := range r.all {
		switch {
		case only != "" && g.Name() != only:
		case time.Now().Before(r.away[g.Name()]):
			last = append(last, g)
		default:
			first = append(first, g)
		}
	}
	return append(first, last...)
}

func (r *Routes) mark(g Gateway, away bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.away, g.Name())
	if away {
		r.away[g.Name()] = time.Now().Add(cooldown)
	}
}

// Run keeps up the permanent connections of gateways until ctx ends, and passes on their
// delivery reports.
func (r *Routes) Run(ctx context.Context, tell func(route string, t DeliveryReport)) {
	var all sync.WaitGroup
	for _, g := range r.all {
		if link, ok := g.(interface {
			Run(context.Context, func(DeliveryReport))
		}); ok {
			all.Go(func() { link.Run(ctx, func(t DeliveryReport) { tell(g.Name(), t) }) })
		}
	}
	all.Wait()
}

// DeliveryReport is what a gateway reports about a message that it took.
type DeliveryReport struct {
	Tags    []string            // the gateway's ID of the message, in each form that it may have
	Receipt countersign.Receipt // empty: still on its way
}

// sender returns the sender of texts. It restores a leading + that was not encoded in the URL.
func sender(u *url.URL) string {
	from := u.Query().Get("from")
	if strings.HasPrefix(from, " ") {
		return "+" + strings.TrimSpace(from)
	}
	return from
}

// checkQuery rejects a query that can't be parsed, whose options Query would silently drop.
func checkQuery(u *url.URL) error {
	if _, err := url.ParseQuery(u.RawQuery); err != nil {
		return errors.New("what follows the ? can't be read: options are parted by &, a % is written %25 and a ; %3B")
	}
	return nil
}

// checkOptions rejects unknown options.
func checkOptions(u *url.URL, options ...string) error {
	if err := checkQuery(u); err != nil {
		return err
	}
	for key := range u.Query() {
		if !slices.Contains(options, key) {
			return fmt.Errorf("the option %q is not known; there are %s", key, strings.Join(options, ", "))
		}
	}
	return nil
}
