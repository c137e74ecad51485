// Package query is what LwM2M puts into Uri-Query options: the parameters of a
// Register or Update, and the notification attributes of a Write-Attributes;
// and beside them the argument list of an Execute, the third small grammar of
// names and values.
//
//	ep=node&lt=86400&lwm2m=1.1&b=U&Q     Registration
//	pmin=10&pmax=60&gt                   []Attribute: a bare name removes
//	7,0='https://www.omaspecworks.org'   []Argument
//
// Every option is one string, not percent-encoded. Parsing promises to keep
// what it does not know. Rules that depend on the version of the enabler or on
// the path are separate (Registration.Validate, CheckAttributes), because the
// parser does not know either.
package query
