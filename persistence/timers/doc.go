// Package timers reads the durable timers of one shard: records of
// wire.ClassTimer, one per armed endpoint, ordered by deadline. They are lazy:
// an update that moves a deadline away leaves the record, and the endpoint that
// is woken too early arms itself again. So an update writes no timer, and a day
// of updates costs one.
//
// Nothing deletes a single timer either. The queue walks with a cursor, and
// what lies behind it is deleted once in a while as one range; deleting key by
// key would make every walk step over the graves.
//
//	given, handled ──▶│ given, not handled │◀── cursor ──▶ not due
//	    Cleanup       │ held back          │              next
//
// A timer of the past that is still stored is given again after a restart: the
// endpoint compares it with the deadline that it holds, and lets it pass.
package timers
