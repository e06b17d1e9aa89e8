package countersign

import "context"

type principalKey struct{}

// WithPrincipal returns a context for work that is done for a principal: a user,
// or the browser or network of a client that is not signed in yet. Access to the
// database is shared by agency and principal.
func WithPrincipal(ctx context.Context, principal string) context.Context {
	return context.WithValue(ctx, principalKey{}, principal)
}

// PrincipalOf returns the principal of a context; empty: the program itself.
func PrincipalOf(ctx context.Context) string {
	principal, _ := ctx.Value(principalKey{}).(string)
	return principal
}
