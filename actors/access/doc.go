// Package access decides who may do what: tenants, their users, the roles and
// permissions of these, passwords and tokens, and how attacks on them are slowed.
// It is records and rules, given the time, random bytes and committed state.
//
//	Authorization ─▶ ParseAuthorization ─▶ Login{Tenant, Home, User, Password} or a token
//	roles of the user ─▶ Roles.Permissions  ∩  scope of the token ─▶ Principal
//	failures by user and by source ─▶ Limiter ─▶ Throttled; Count, merged over nodes
//
// It promises that nobody is allowed more than the table of roles says, that a
// token never has more than its user, that nobody grants what he has not, and that
// no secret is in what fmt, slog or encoding/json make of its types. It hides
// whether a name exists: who calls Verify for every name, with Decoy where there
// is none, answers all alike.
//
// It does no I/O and has no clock and no lock of its own: node/access does.
package access
