package countersign

import "time"

// A DKIMKey signs an agency's mail from one domain. The public key is published in
// the domain's DNS under the selector.
type DKIMKey struct {
	Domain   string
	Selector string
	Private  []byte // PKCS #8 in PEM; sealed at rest
	Created  time.Time
	Signs    bool // mail is signed with it; false: its record is still to be published
}

// RecordName returns the DNS name of the key's record.
func (k DKIMKey) RecordName() string { return k.Selector + "._domainkey." + k.Domain }
