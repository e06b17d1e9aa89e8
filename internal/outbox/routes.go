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

// A Gateway hands text messages over. Its name stays the same over restarts, on
// all nodes: messages remember it.
type Gateway interface {
	Sender
	Name() string
}

// cooldown is how long a gateway that was away is asked only after the others.
const cooldown = 30 * time.Second

// Routes are the gateways for text messages, in order of preference. The next
// one is taken only when it is known that the one before has not taken the
// message: a token never goes two ways.
type Routes struct {
	all []Gateway

	mu   sync.Mutex
	away map[string]time.Time // until when a gateway is asked last
}

// gateways are the kinds of gateways, by the scheme of their URL.
var gateways = map[string]func(string) (Gateway, error){
	"twilio":        func(raw string) (Gateway, error) { return ParseTwilio(raw) },
	"vonage":        func(raw string) (Gateway, error) { return ParseVonage(raw) },
	"smpp":          func(raw string) (Gateway, error) { return ParseSMPP(raw) },
	"webhook+https": func(raw string) (Gateway, error) { return ParseWebhook(raw) },
	"webhook+http":  func(raw string) (Gateway, error) { return ParseWebhook(raw) },
}

// several finds a second gateway in the URL of one, where a list was written into
// one value: it would pass for the end of a secret.
var several = regexp.MustCompile(`[,;\s](?:twilio|vonage|smpp|webhook\+https?)://`)

// ParseRoutes reads the settings of the gateways, in their order.
func ParseRoutes(urls []string) (*Routes, error) {
	var all []Gateway
	names := map[string]bool{}
	for i, raw := range urls {
		if several.MatchString(raw) {
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

// NewRoutes are gateways in order of preference.
func NewRoutes(all ...Gateway) *Routes { return &Routes{all: all, away: map[string]time.Time{}} }

// Gateways are those of the routes, in order of preference.
func (r *Routes) Gateways() []Gateway { return r.all }

// Send hands a text to the first gateway that takes it. One that may have it
// already is asked alone, and may have it until it says that it never will:
// that it can't be reached now tells nothing of the time before. Nobody is asked
// any more as the token dies.
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

// order is in which order the gateways are asked: those that were away a moment
// ago come last. only names the one that may have the message; empty: none has.
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

// Run keeps the links of the gateways that have one, until ctx ends, and hands
// on what they tell of messages.
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

// DeliveryReport is what a gateway tells of a message that it took.
type DeliveryReport struct {
	Tags    []string            // what it calls the message; several where it may write it in several ways
	Receipt countersign.Receipt // empty: it is on its way
}

// sender reads who texts come from; a + that the address did not encode is one.
func sender(u *url.URL) string {
	from := u.Query().Get("from")
	if strings.HasPrefix(from, " ") {
		return "+" + strings.TrimSpace(from)
	}
	return from
}

// readable refuses options that Query would leave out without a word.
func readable(u *url.URL) error {
	if _, err := url.ParseQuery(u.RawQuery); err != nil {
		return errors.New("what follows the ? can't be read: options are parted by &, a % is written %25 and a ; %3B")
	}
	return nil
}

// known refuses options that do not exist.
func known(u *url.URL, options ...string) error {
	if err := readable(u); err != nil {
		return err
	}
	for key := range u.Query() {
		if !slices.Contains(options, key) {
			return fmt.Errorf("the option %q is not known; there are %s", key, strings.Join(options, ", "))
		}
	}
	return nil
}
