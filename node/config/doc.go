// Package config is what an operator can set of a node: one struct, filled
// from four places of which the first that speaks wins.
//
//	--request-timeout 3m  >  DORMOUSE_REQUEST_TIMEOUT=3m  >  request-timeout: 3m  >  default
//	     flag                       environment                    file (YAML)
//
// It promises that every setting has the same name and notation in all of
// them, that what is misspelt is named together with what may have been meant,
// and that Print shows the effective configuration, each value with its origin,
// in a form that can be read back. It starts nothing.
package config
