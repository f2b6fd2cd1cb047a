// steelyard service: writing the units by which systemd runs the program.

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/steelyard-proxy/steelyard/cmd/steelyard/systemd"
	"github.com/steelyard-proxy/steelyard/configs"
)

const (
	defaultConfig = "/etc/steelyard/gateway.yaml"
	systemUnits   = "/etc/systemd/system"
	serviceUnit   = "steelyard.service"
	socketUnit    = "steelyard.socket"
	stopSpare     = 10 * time.Second // for what comes after timeouts.shutdown
)

// installation is what was asked for.
type installation struct {
	config, folder, as         string
	user, socket, print, force bool
}

func serviceCommands() *cobra.Command {
	c := &cobra.Command{Use: "service", Short: "Have systemd run the gateway", Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	var in, out installation
	install := &cobra.Command{
		Use: "install", Short: "Write a unit for systemd, hardened, and say what to do next", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return in.install(c) },
	}
	f := install.Flags()
	f.StringVarP(&in.config, "config", "c", defaultConfig, "configuration file of the service")
	f.StringVar(&in.as, "as", "", "account that it runs as; without it systemd makes one up, which reads what everybody may read")
	f.BoolVar(&in.socket, "socket", false, "systemd opens the sockets of clients, so that none is refused while the program starts")
	f.BoolVar(&in.print, "print", false, "print the units, and write nothing")
	f.BoolVar(&in.force, "force", false, "write over units that are there and differ")
	uninstall := &cobra.Command{
		Use: "uninstall", Short: "Remove the units that install has written", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return out.uninstall(c) },
	}
	for command, of := range map[*cobra.Command]*installation{install: &in, uninstall: &out} {
		command.Flags().BoolVar(&of.user, "user", false, "of your own systemd, not of the machine's")
		command.Flags().StringVar(&of.folder, "folder", "", "folder of the units, if not the usual one")
	}
	c.AddCommand(install, uninstall)
	return c
}

// place is the folder of units.
func (i *installation) place() (string, error) {
	switch {
	case i.folder != "":
		return i.folder, nil
	case !i.user:
		return systemUnits, nil
	}
	folder, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("find the folder of your units: %w; name it by --folder", err)
	}
	return filepath.Join(folder, "systemd/user"), nil
}

func (i *installation) install(c *cobra.Command) error {
	units, err := i.units()
	if err != nil {
		return err
	}
	names := []string{serviceUnit, socketUnit}[:len(units)]
	if i.print {
		for _, name := range names {
			fmt.Fprintf(c.OutOrStdout(), "# %s\n%s\n", name, units[name])
		}
		return nil
	}
	folder, err := i.place()
	if err != nil {
		return err
	}
	for _, name := range names { // all or none
		old, err := os.ReadFile(filepath.Join(folder, name))
		if err == nil && string(old) != units[name] && !i.force {
			return badInput("%s is there already and differs: look at both (--print shows the new one), then give --force", filepath.Join(folder, name))
		}
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("make the folder of units: %w", err)
	}
	for _, name := range names {
		if err := replaceFile(filepath.Join(folder, name), units[name]); err != nil {
			return fmt.Errorf("write the unit: %w; as root, or with --user", err)
		}
		fmt.Fprintln(c.OutOrStdout(), "written:", filepath.Join(folder, name))
	}
	fmt.Fprintf(c.OutOrStdout(), "next: %[1]s daemon-reload && %[1]s enable --now %[2]s\n", i.manager(), names[len(names)-1])
	return nil
}

func (i *installation) manager() string {
	if i.user {
		return "systemctl --user"
	}
	return "systemctl"
}

// replaceFile writes a file so that nobody sees half of it.
func replaceFile(name, text string) error {
	if err := os.WriteFile(name+".new", []byte(text), 0o644); err != nil {
		return err
	}
	return os.Rename(name+".new", name)
}

// units are the texts of what was asked for, by name.
func (i *installation) units() (map[string]string, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	config, err := filepath.Abs(i.config)
	if err != nil {
		return nil, fmt.Errorf("find the configuration: %w", err)
	}
	if i.user && i.as != "" {
		return nil, badInput("--as is for the machine's systemd: your own runs it as you")
	}
	cfg, err := configs.Load(config, os.Environ())
	if err != nil {
		return nil, err
	}
	u := systemd.Unit{Program: program, Config: config, User: i.user, As: i.as, Stop: cfg.Timeouts.ShutdownDelay + cfg.Timeouts.Shutdown + stopSpare}
	for _, l := range cfg.Listen {
		if i.socket {
			u.Sockets = append(u.Sockets, l.Address)
		} else {
			u.Low = u.Low || lowPort(l.Address)
		}
	}
	u.Low = u.Low || lowPort(cfg.Admin.Address) || lowPort(cfg.Scaler.Address)
	u.Writes = foldersWritten(cfg)
	for _, up := range cfg.Upstreams {
		if up.Scale != nil && up.Scale.Actuator != nil { // its servers end after the gateway has
			u.Stop = max(u.Stop, cfg.Timeouts.ShutdownDelay+cfg.Timeouts.Shutdown+up.Scale.Actuator.StopTimeout+2*stopSpare)
		}
		u.RunsServers = u.RunsServers || up.Scale != nil && up.Scale.Actuator != nil && slices.Contains([]string{"process", "command"}, up.Scale.Actuator.Kind) ||
			up.Recovery != nil && len(up.Recovery.Command) > 0
	}
	units := map[string]string{serviceUnit: u.Service()}
	if i.socket {
		units[socketUnit], err = u.Socket()
	}
	return units, err
}

func lowPort(address string) bool {
	_, port, err := net.SplitHostPort(address)
	n, alsoErr := strconv.Atoi(port)
	return err == nil && alsoErr == nil && n > 0 && n < 1024
}

// foldersWritten are those that the configuration has the program write to, but for those that systemd gives it.
func foldersWritten(cfg *configs.Config) (list []string) {
	add := func(folder string) {
		if folder != "" && folder != "." && !slices.Contains(list, folder) && folder != "/tmp" && folder != "/dev" &&
			!strings.HasPrefix(folder+"/", "/var/lib/steelyard/") && !strings.HasPrefix(folder+"/", "/run/steelyard/") {
			list = append(list, folder)
		}
	}
	file := func(name string) {
		if name != "" {
			add(filepath.Dir(name))
		}
	}
	file(cfg.Log.Requests)
	add(cfg.Usage.Dir)
	file(cfg.Alerts.StateFile)
	for _, u := range cfg.Upstreams {
		file(u.Predict.File)
		if u.Discovery != nil {
			file(u.Discovery.Cache)
		}
	}
	for _, l := range append(slices.Clone(cfg.Listen), configs.Listen{Address: cfg.Admin.Address}) {
		if path, is := strings.CutPrefix(l.Address, "unix:"); is {
			file(path)
		}
	}
	return list
}

func (i *installation) uninstall(c *cobra.Command) error {
	folder, err := i.place()
	if err != nil {
		return err
	}
	var found []string
	for _, name := range []string{serviceUnit, socketUnit} {
		text, err := os.ReadFile(filepath.Join(folder, name))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return fmt.Errorf("read the unit: %w", err)
		case !strings.HasPrefix(string(text), systemd.Marker):
			return badInput("%s was not written by steelyard service install: remove it yourself", filepath.Join(folder, name))
		}
		found = append(found, name)
	}
	if len(found) == 0 {
		return fmt.Errorf("there is no unit of steelyard in %s", folder)
	}
	for _, name := range found {
		if err := os.Remove(filepath.Join(folder, name)); err != nil {
			return fmt.Errorf("remove the unit: %w", err)
		}
		fmt.Fprintln(c.OutOrStdout(), "removed:", filepath.Join(folder, name))
	}
	fmt.Fprintf(c.OutOrStdout(), "what runs goes on; to end it: %[1]s stop %[2]s; then %[1]s daemon-reload\n", i.manager(), strings.Join(found, " "))
	return nil
}
