package countersign

import "context"

type principalKey struct{}

// WithPrincipal returns a context for work that is done for a principal: a user,
// or the browser or network of somebody who is not signed in yet. The database
// is shared out by agency and principal.
func WithPrincipal(ctx context.Context, principal string) context.Context {
	return context.WithValue(ctx, principalKey{}, principal)
}

// PrincipalOf returns whom the work of a context is done for; empty: the program itself.
func PrincipalOf(ctx context.Context) string {
	principal, _ := ctx.Value(principalKey{}).(string)
	return principal
}
