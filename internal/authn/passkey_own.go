package authn

import (
	"countersign"
)

// Passkeys returns the factor that holds the user's passkeys; the zero Factor if there are none.
func Passkeys(factors []countersign.Factor) countersign.Factor {
	for _, f := range factors {
		if f.Method == countersign.MethodPasskey {
			return f
		}
	}
	return countersign.Factor{}
}
