package app

import (
	"errors"

	"dormouse/node/certs"
	"dormouse/node/config"
)

// Reload takes over what of a configuration can be changed in a node that runs: the
// log level, and the contents of the files of keys and certificates, whose names
// stay. What cannot be read leaves what was there before.
func (a *App) Reload(c config.Config) error {
	if a.level != nil {
		a.level.Set(c.LogLevel)
	}
	err := a.reload()
	if err == nil {
		a.logger.Info("settings, keys and certificates were read anew")
	}
	return err
}

// reload reads the files.
func (a *App) reload() error {
	var faults []error
	if a.identity != nil {
		faults = append(faults, a.identity.Reload())
	}
	if a.peers != nil && a.config.ClusterKeyFile != "" {
		keys, err := certs.LoadClusterKeys(a.config.ClusterKeyFile)
		if err == nil {
			err = a.peers.SetKeys(keys)
		}
		faults = append(faults, err)
	}
	return errors.Join(faults...)
}
