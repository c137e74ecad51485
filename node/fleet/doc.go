// Package fleet is the node behind its HTTP API: it shows devices, operations
// and values as the platform does, reads them from what is committed, and
// takes every change to the endpoint that it concerns.
//
// It promises that a change that was answered is durable, that lists are in
// the order of their IDs or of a query (objects) or of time (operations) with cursors that
// stay good, and that a list never holds more than a page of records in
// memory, a sorted one the keys of what comes before it, too. It decides nothing about devices: that is actors/endpoint.
package fleet
