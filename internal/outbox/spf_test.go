package outbox

import "testing"

// An SPF record is read as receivers read it, as far as possible without further lookups.
func TestMisreadSPF(t *testing.T) {
	for _, good := range []string{"v=spf1 -all", "v=spf1", "v=spf1 a mx ip4:192.0.2.1 ip4:192.0.2.0/24 ip6:2001:db8::/32 ~all", "v=spf1 include:_spf.google.com ?all", "v=spf1 a:mail.acme.example/28 mx/24//64 a//64 ptr -all",
		"v=spf1 exists:%{i}._spf.acme.example -all", "v=spf1 redirect=_spf.acme.example", "v=spf1 +MX -ALL exp=why.acme.example x-later=anything", "v=spf1 include:spf.protection.outlook.com  -all"} {
		if term := unreadableTerm(good); term != "" {
			t.Errorf("%q: %q is called wrong", good, term)
		}
	}
	for record, want := range map[string]string{"v=spf1 ip4:nonsense -all": "ip4:nonsense", "v=spf1 ip4:2001:db8::1 -all": "ip4:2001:db8::1", "v=spf1 ip6:192.0.2.1": "ip6:192.0.2.1", "v=spf1 include: -all": "include:",
		"v=spf1 include -all": "include", "v=spf1 mailserver.acme.example -all": "mailserver.acme.example", "v=spf1 192.0.2.1 -all": "192.0.2.1", "v=spf1 --all": "--all", "v=spf1 all:x": "all:x",
		"v=spf1 redirect=": "redirect=", "v=spf1 a: -all": "a:", "v=spf1 ip4:192.0.2.0/33": "ip4:192.0.2.0/33", "v=spf1 ip4: 192.0.2.1 -all": "ip4:"} {
		if term := unreadableTerm(record); term != want {
			t.Errorf("%q: got %q, want %q", record, term, want)
		}
	}
}
