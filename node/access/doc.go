// Package access lets people and programs in, and keeps who may do what: tenants,
// users, tokens and the audit of their changes, in the system group, which every
// node has.
//
//	Login    Authorization ─▶ lock? ─▶ user and tenant, read here ─▶ verified before? else Argon2id ─▶ Principal
//	changes  Principal ─▶ may he? ─▶ turn: read, decide, propose the record and its audit entry in one batch
//
// Login may be called at every node; changes where the system group is led, elsewhere
// they are ErrElsewhere and nothing was done. One change at a time is decided, and the
// next one when the fate of the one before is known.
//
// It promises that a change is visible with its audit entry or not at all; that a user
// who was removed, disabled or given another password is out as soon as this node has
// that record, remembered passwords included; that an unknown name is answered as a
// known one with a wrong password, after the same work; and that no password, token or
// hash is in an error, a log or an audit entry. A tenant's users, tokens and audit are
// reached by who acts in that tenant: no method takes the name of another.
package access
