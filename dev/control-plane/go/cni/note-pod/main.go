// A CNI plugin, last of its chain: notes which Pod got which addresses before its first process runs, a second before
// the kubelet tells the apiserver. <folder>/<address> holds "<namespace>/<name>".
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/containernetworking/cni/pkg/skel"
	"github.com/containernetworking/cni/pkg/types"
	current "github.com/containernetworking/cni/pkg/types/100"
	"github.com/containernetworking/cni/pkg/version"
)

type config struct {
	types.PluginConf
	Folder string `json:"folder"`
}

type podArgs struct {
	types.CommonArgs
	K8S_POD_NAMESPACE types.UnmarshallableString
	K8S_POD_NAME      types.UnmarshallableString
}

func main() {
	nothing := func(*skel.CmdArgs) error { return nil }
	skel.PluginMainFuncs(skel.CNIFuncs{Add: add, Del: remove, Check: nothing}, version.All, "note-pod")
}

func add(args *skel.CmdArgs) error {
	conf, addresses, err := read(args)
	if err != nil {
		return err
	}
	pod := podArgs{CommonArgs: types.CommonArgs{IgnoreUnknown: true}}
	if err := types.LoadArgs(args.Args, &pod); err != nil {
		return err
	}
	note := fmt.Sprintf("%s/%s", pod.K8S_POD_NAMESPACE, pod.K8S_POD_NAME)
	for _, address := range addresses {
		// Who looks finds the whole note or none.
		path := filepath.Join(conf.Folder, address)
		if err := os.WriteFile(path+".new", []byte(note), 0o600); err != nil {
			return err
		}
		if err := os.Rename(path+".new", path); err != nil {
			return err
		}
	}
	return types.PrintResult(conf.PrevResult, conf.CNIVersion)
}

func remove(args *skel.CmdArgs) error {
	conf, addresses, err := read(args)
	if err != nil {
		return err
	}
	for _, address := range addresses {
		if err := os.Remove(filepath.Join(conf.Folder, address)); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	return nil
}

// A DEL comes without a result where the ADD has failed.
func read(args *skel.CmdArgs) (config, []string, error) {
	conf := config{}
	if err := json.Unmarshal(args.StdinData, &conf); err != nil {
		return conf, nil, err
	}
	if conf.RawPrevResult == nil {
		return conf, nil, nil
	}
	if err := version.ParsePrevResult(&conf.PluginConf); err != nil {
		return conf, nil, err
	}
	result, err := current.NewResultFromResult(conf.PrevResult)
	if err != nil {
		return conf, nil, err
	}
	var addresses []string
	for _, ip := range result.IPs {
		addresses = append(addresses, ip.Address.IP.String())
	}
	return conf, addresses, nil
}
