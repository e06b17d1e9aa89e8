package outbox

import (
	"context"
	"fmt"
	"strings"

	"golang.org/x/net/publicsuffix"

	"countersign"
	"countersign/internal/secret"
)

// A Lookup returns the TXT records of a name, which ends with a dot.
type Lookup func(ctx context.Context, name string) ([]string, error)

// CheckDomain checks whether the DNS of the sender's domain authorizes our mail: SPF, DKIM for
// the agency's keys, and DMARC. A finding holds the missing record, for the domain's
// administrator to add.
func CheckDomain(ctx context.Context, lookup Lookup, domain string, keys []countersign.DKIMKey) []Finding {
	return append([]Finding{checkSPF(ctx, lookup, domain)}, append(checkDKIM(ctx, lookup, domain, keys), checkDMARC(ctx, lookup, domain))...)
}

// records returns a name's TXT records with this prefix. If the lookup fails, it writes why
// into f and returns false.
func records(ctx context.Context, lookup Lookup, name, begin string, f *Finding) ([]string, bool) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	all, err := lookup(ctx, name+".") // the dot keeps this machine's search domains from being added
	if err != nil && !isNotFound(err) {
		f.Level, f.Text, f.Fix = Warn, "the resolver gave no answer for "+name, "Try again, or name another one with --resolver."
		return nil, false
	}
	var found []string
	for _, text := range all {
		if rest, ok := strings.CutPrefix(strings.ToLower(text), begin); ok && (begin == "" || rest == "" || strings.ContainsAny(rest[:1], " ;\t")) {
			found = append(found, text)
		}
	}
	return found, true
}

func checkSPF(ctx context.Context, lookup Lookup, domain string) Finding {
	f := Finding{Subject: "SPF of " + domain, Level: Warn}
	found, ok := records(ctx, lookup, domain, "v=spf1", &f)
	switch {
	case !ok:
	case len(found) == 0:
		f.Text = "no record says which servers may send for this domain"
		f.Record = ZoneLine(domain, "v=spf1 include:PROVIDER -all")
		f.Fix = "Add, with the servers that your mail provider names: " + f.Record
	case len(found) > 1:
		f.Text, f.Fix = fmt.Sprintf("%d records begin with v=spf1, so none counts", len(found)), "Join them into one."
	case unreadableTerm(found[0]) != "":
		f.Text, f.Fix = fmt.Sprintf("%q can't be read, so none of it counts: %s", unreadableTerm(found[0]), found[0]), "Put it right where the domain's DNS is looked after."
	case strings.Contains(found[0], "+all") || strings.HasSuffix(found[0], " all"):
		f.Text, f.Fix = "it lets everybody send: "+found[0], "End it with -all."
	default:
		f.Level, f.Text = Good, found[0]
	}
	return f
}

func checkDKIM(ctx context.Context, lookup Lookup, domain string, keys []countersign.DKIMKey) []Finding {
	if len(keys) == 0 {
		return []Finding{{Subject: "DKIM of " + domain, Level: Warn, Text: "mail is not signed by this program",
			Fix: "Make a key with «countersign message dkim --new», unless your mail server signs."}}
	}
	var all []Finding
	for _, k := range keys {
		f := Finding{Subject: "DKIM key " + k.Selector + " of " + domain, Level: Warn}
		record, err := DKIMRecord(k)
		if err != nil {
			f.Text = oneLine(err.Error())
			all = append(all, f)
			continue
		}
		if found, ok := records(ctx, lookup, k.RecordName(), "", &f); ok {
			checkKey(&f, k, found, record)
		}
		all = append(all, f)
	}
	return all
}

func checkKey(f *Finding, k countersign.DKIMKey, found []string, record string) {
	public, _ := secret.PublicOf(k.Private)
	switch {
	case len(found) == 0:
		f.Record = ZoneLine(k.RecordName(), record)
		f.Text, f.Fix = "its record is missing", "Add: "+f.Record
		if k.Signs {
			f.Level = Fatal // receivers can't verify the signature
		}
	case tagsOf(found[0])["p"] != public:
		f.Record = ZoneLine(k.RecordName(), record)
		f.Text, f.Fix = "its record holds another key", "Replace it by: "+f.Record
		if k.Signs {
			f.Level = Fatal
		}
	case !k.Signs:
		f.Text, f.Fix = "its record is published, but it signs nothing", "Let it sign with «countersign message dkim --sign "+k.Selector+"»."
	default:
		f.Level, f.Text = Good, "it signs, and its record is published"
	}
}

// checkDMARC checks the domain and then the organizational domain above it.
func checkDMARC(ctx context.Context, lookup Lookup, domain string) Finding {
	f := Finding{Subject: "DMARC of " + domain, Level: Warn}
	names := []string{domain}
	if whole, err := publicsuffix.EffectiveTLDPlusOne(domain); err == nil && whole != domain {
		names = append(names, whole)
	}
	for _, name := range names {
		found, ok := records(ctx, lookup, "_dmarc."+name, "v=dmarc1", &f)
		switch {
		case !ok:
			return f
		case len(found) > 1:
			f.Text, f.Fix = "there are several records, so none counts", "Leave one at _dmarc."+name+"."
			return f
		case len(found) == 1:
			f.Level, f.Text = Good, found[0]
			if tagsOf(found[0])["p"] == "none" {
				f.Fix = "It only watches; p=quarantine or p=reject keeps others from writing in your name."
			}
			return f
		}
	}
	f.Text = "no record says what to do with mail in your name that is not yours"
	f.Record = ZoneLine("_dmarc."+domain, "v=DMARC1; p=quarantine; rua=mailto:postmaster@"+domain)
	f.Fix = "Add: " + f.Record
	return f
}
