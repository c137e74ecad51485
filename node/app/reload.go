package app

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"dormouse/node/certs"
	"dormouse/node/config"
)

// reloading is what a node that runs reads anew.
type reloading struct {
	read func() (config.Config, error) // of Options.Settings, or nil

	mu      sync.Mutex // one at a time; guards what follows
	inForce config.Config
}

// Reload reads the configuration anew, and what it names: settings that can change
// in a node that runs are in force from then on, as are the contents of the files of
// keys and certificates, whose names stay. The log says what changed, and what differs
// and needs a restart. What cannot be read leaves what was there before; the error
// names it, and is logged here, too.
func (a *App) Reload() error {
	a.again.mu.Lock()
	defer a.again.mu.Unlock()
	err := errors.Join(a.reloadSettings(), a.reloadCertificate(), a.reloadClusterKeys())
	if err != nil {
		a.logger.Error("not all could be read anew", "error", err)
		return err
	}
	a.logger.Info("settings, keys and certificates were read anew")
	return nil
}

// reloadSettings takes over all settings that are live, or none.
func (a *App) reloadSettings() error {
	if a.again.read == nil {
		return nil
	}
	next, err := a.again.read()
	if err == nil {
		err = a.obey(next)
	}
	if err != nil {
		return fmt.Errorf("app: the node goes on with the settings that it has: read them anew: %w", err)
	}
	for _, c := range config.Changes(a.again.inForce, next) {
		if c.Live {
			a.logger.Info("a setting was changed", "setting", c.Name, "from", c.From, "to", c.To)
		} else {
			a.logger.Warn("a setting differs from the one in force, and needs a restart", "setting", c.Name, "in force", c.From, "configured", c.To)
		}
	}
	a.again.inForce = a.again.inForce.TakeLive(next)
	return nil
}

// obey puts the live settings into force. What can fail comes first.
func (a *App) obey(c config.Config) error {
	endpoints, err := obeyed(c)
	if err != nil {
		return err
	}
	if err := a.store.SetSpace(int64(c.LowSpace), int64(c.FullSpace)); err != nil {
		return err
	}
	a.env.Change(endpoints)
	a.shell.SetMaxAwake(c.MaxAwake)
	if a.front != nil {
		a.front.SetMaxHalfOpen(c.MaxHandshakes)
	}
	if a.level != nil {
		a.level.Set(c.LogLevel)
	}
	return nil
}

func (a *App) reloadCertificate() error {
	if a.identity == nil {
		return nil
	}
	if err := a.identity.Reload(); err != nil {
		return fmt.Errorf("app: the node goes on with the certificate that it has, good until %s: %w", a.identity.Until().Format(time.DateOnly), err)
	}
	return nil
}

func (a *App) reloadClusterKeys() error {
	if a.peers == nil || a.config.ClusterKeyFile == "" {
		return nil
	}
	keys, err := certs.LoadClusterKeys(a.config.ClusterKeyFile)
	if err == nil {
		err = a.peers.SetKeys(keys)
	}
	if err != nil {
		return fmt.Errorf("app: the node goes on with the cluster keys that it has: %w", err)
	}
	return nil
}
