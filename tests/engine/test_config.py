"""KubeSchedulerConfiguration: how plugin sets merge, what is defaulted and what is read."""

from pathlib import Path
from typing import Any

import pytest

from kschedcore.engine.config.args import CPU_AND_MEMORY, Args, ResourceSpec
from kschedcore.engine.config.loading import load_config
from kschedcore.engine.engine import Engine
from kschedcore.engine.plugin import Assumed, Plugin, PodContext
from kschedcore.engine.plugins.node_resources_fit import NodeResourcesFitArgs
from kschedcore.engine.plugins.pod_topology_spread import PodTopologySpreadArgs
from kschedcore.engine.profile import Profile, default_profile, profiles_of
from kschedcore.engine.registry import with_plugins
from kschedcore.errors import ConfigError, NotFoundError

HEAD = {"apiVersion": "kubescheduler.config.k8s.io/v1", "kind": "KubeSchedulerConfiguration"}


def configuration(*profiles: Any, **fields: Any) -> Any:
    return {**HEAD, "profiles": list(profiles), **fields}


def resolved(plugins: Any, *own: Any, **profile: Any) -> Profile:
    config = load_config(configuration({"plugins": plugins, **profile}))
    return profiles_of(config, with_plugins(own))[0]


def names(profile: Any, point: str) -> Any:
    return [plugin.name for plugin in profile.at(point)]


def weights(profile: Any) -> Any:
    return {plugin.name: plugin.weight for plugin in profile.at("score")}


class Watchful(Plugin):
    name = "Watchful"

    def filter(self, context: PodContext) -> None:
        """Reject no node."""

    def score(self, context: PodContext) -> None:
        """Rate no node."""

    def permit(self, assumed: Assumed) -> None:
        """Let every pod go on."""


class TestMerging:
    def test_default_scores_have_kubernetes_weights_in_order(self) -> None:
        assert list(weights(default_profile()).items()) == [
            ("TaintToleration", 3),
            ("NodeAffinity", 2),
            ("NodeResourcesFit", 1),
            ("VolumeBinding", 1),
            ("PodTopologySpread", 2),
            ("InterPodAffinity", 2),
            ("DynamicResources", 2),
            ("NodeResourcesBalancedAllocation", 1),
            ("ImageLocality", 1),
        ]

    def test_a_default_enabled_again_keeps_its_place_and_loses_its_weight(self) -> None:
        before = names(default_profile(), "score")
        profile = resolved({"multiPoint": {"enabled": [{"name": "TaintToleration"}]}})
        assert names(profile, "score") == before
        assert weights(profile)["TaintToleration"] == 1

    def test_a_default_disabled_and_enabled_comes_last(self) -> None:
        profile = resolved(
            {
                "multiPoint": {
                    "disabled": [{"name": "TaintToleration"}],
                    "enabled": [{"name": "TaintToleration", "weight": 5}],
                }
            }
        )
        assert names(profile, "score")[-1] == "TaintToleration"
        assert weights(profile)["TaintToleration"] == 5

    def test_star_leaves_only_what_is_enabled(self) -> None:
        kept = [{"name": name} for name in ("PrioritySort", "NodeName", "DefaultBinder")]
        profile = resolved({"multiPoint": {"disabled": [{"name": "*"}], "enabled": kept}})
        assert names(profile, "filter") == ["NodeName"]
        assert names(profile, "score") == []

    def test_a_point_puts_what_it_shares_with_multi_point_first_and_its_own_last(self) -> None:
        profile = resolved(
            {"filter": {"enabled": [{"name": "Watchful"}, {"name": "TaintToleration"}]}}, Watchful
        )
        found = names(profile, "filter")
        assert found[0] == "TaintToleration"
        assert found[1] == "NodeUnschedulable"
        assert found[-1] == "Watchful"

    def test_a_plugin_disabled_at_a_point_stays_elsewhere(self) -> None:
        profile = resolved({"score": {"disabled": [{"name": "NodeAffinity"}]}})
        assert "NodeAffinity" not in names(profile, "score")
        assert "NodeAffinity" in names(profile, "filter")

    def test_star_at_a_point_keeps_the_points_own(self) -> None:
        profile = resolved(
            {"score": {"disabled": [{"name": "*"}], "enabled": [{"name": "ImageLocality", "weight": 7}]}}
        )
        assert weights(profile) == {"ImageLocality": 7}
        assert names(profile, "filter") == names(default_profile(), "filter")

    def test_the_weight_at_score_wins_over_multi_point(self) -> None:
        profile = resolved(
            {
                "multiPoint": {"enabled": [{"name": "NodeAffinity", "weight": 4}]},
                "score": {"enabled": [{"name": "NodeAffinity", "weight": 9}]},
            }
        )
        assert weights(profile)["NodeAffinity"] == 9
        assert names(profile, "score")[0] == "NodeAffinity"

    def test_a_plugin_of_ones_own_expands_to_its_points(self) -> None:
        profile = resolved({"multiPoint": {"enabled": [{"name": "Watchful"}]}}, Watchful)
        assert names(profile, "permit") == ["Watchful"]
        assert names(profile, "filter")[-1] == "Watchful"
        assert weights(profile)["Watchful"] == 1
        assert "Watchful" not in names(profile, "preFilter")


@pytest.mark.parametrize(
    ("plugins", "message"),
    [
        (
            {"multiPoint": {"enabled": [{"name": "ImageLocality"}, {"name": "Nope"}]}},
            'profiles[0].plugins.multiPoint.enabled[1]: PreFilterPlugin "Nope" does not exist',
        ),
        (
            {"score": {"enabled": [{"name": "Nope"}]}},
            'profiles[0].plugins.score.enabled[0]: ScorePlugin "Nope" does not exist',
        ),
        (
            {"score": {"enabled": [{"name": "NodeName"}]}},
            'profiles[0].plugins.score.enabled[0]: plugin "NodeName" does not extend ScorePlugin plugin',
        ),
        (
            {"filter": {"enabled": [{"name": "NodeName"}, {"name": "NodeName"}]}},
            'profiles[0].plugins.filter.enabled[1]: plugin "NodeName" already registered as "FilterPlugin"',
        ),
        (
            {"multiPoint": {"enabled": [{"name": "NodeName"}, {"name": "NodeName"}]}},
            'profiles[0].plugins.multiPoint.enabled: plugin "NodeName" already registered as "FilterPlugin"',
        ),
        (
            {"queueSort": {"disabled": [{"name": "*"}]}},
            "profiles[0].plugins.queueSort: only one queue sort plugin required for profile with scheduler name "
            '"default-scheduler", but got 0',
        ),
        (
            {"bind": {"disabled": [{"name": "DefaultBinder"}]}},
            "profiles[0].plugins.bind: at least one bind plugin is needed for profile with scheduler name "
            '"default-scheduler"',
        ),
    ],
)
def test_plugin_sets_that_kube_scheduler_refuses(plugins: Any, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        resolved(plugins)
    assert str(caught.value) == message


class TestArguments:
    def test_weights_and_resources_are_filled_in(self) -> None:
        args = {"scoringStrategy": {"type": "MostAllocated", "resources": [{"name": "cpu"}]}}
        profile = resolved({}, pluginConfig=[{"name": "NodeResourcesFit", "args": args}])
        fit = profile.args_of("NodeResourcesFit")
        assert isinstance(fit, NodeResourcesFitArgs)
        strategy = fit.scoring_strategy
        assert (strategy.type, strategy.resources) == ("MostAllocated", (ResourceSpec("cpu", 1),))

    def test_a_strategy_without_resources_looks_at_cpu_and_memory(self) -> None:
        args = {"scoringStrategy": {"type": "LeastAllocated", "resources": []}}
        profile = resolved({}, pluginConfig=[{"name": "NodeResourcesFit", "args": args}])
        fit = profile.args_of("NodeResourcesFit")
        assert isinstance(fit, NodeResourcesFitArgs)
        assert fit.scoring_strategy.resources == CPU_AND_MEMORY

    def test_null_is_absent(self) -> None:
        args = {"scoringStrategy": None, "ignoredResources": None}
        profile = resolved({}, pluginConfig=[{"name": "NodeResourcesFit", "args": args}])
        assert profile.args_of("NodeResourcesFit") == NodeResourcesFitArgs()

    def test_an_empty_defaulting_type_is_system(self) -> None:
        profile = resolved({}, pluginConfig=[{"name": "PodTopologySpread", "args": {"defaultingType": ""}}])
        assert profile.args_of("PodTopologySpread") == PodTopologySpreadArgs()

    def test_arguments_of_a_plugin_that_takes_none_are_passed_over(self) -> None:
        profile = resolved({}, pluginConfig=[{"name": "NodeName", "args": {"anything": 1}}])
        assert profile.args == default_profile().args

    def test_arguments_of_a_plugin_of_ones_own_are_read_as_it_declares_them(self) -> None:
        class LimitArgs(Args, frozen=True):
            limit: int = 3

        class Limited(Watchful):
            name = "Limited"
            args_type = LimitArgs

        entry = {"name": "Limited", "args": {"limit": 5}}
        sets = {"multiPoint": {"enabled": [{"name": "Limited"}]}}
        assert resolved(sets, Limited).args_of("Limited") == LimitArgs()
        assert resolved(sets, Limited, pluginConfig=[entry]).args_of("Limited") == LimitArgs(limit=5)
        with pytest.raises(ConfigError) as caught:
            resolved(sets, Limited, pluginConfig=[{"name": "Limited", "args": {"limits": 5}}])
        assert str(caught.value) == (
            "profiles[0].pluginConfig: decoding args for plugin Limited: "
            'strict decoding error: unknown field "limits"'
        )


class TestPercentageOfNodesToScore:
    def test_every_node_by_default(self) -> None:
        assert load_config().profiles[0].percentage_of_nodes_to_score == 100

    def test_a_profile_wins_over_the_configuration(self) -> None:
        config = load_config(
            configuration(
                {"schedulerName": "a", "percentageOfNodesToScore": 0},
                {"schedulerName": "b"},
                percentageOfNodesToScore=30,
            )
        )
        assert [profile.percentage_of_nodes_to_score for profile in config.profiles] == [0, 30]


class TestFiles:
    def test_a_yaml_file_reads_as_its_data(self, tmp_path: Path) -> None:
        path = tmp_path / "scheduler.yaml"
        path.write_text(
            "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n"
            "podMaxBackoffSeconds: 20\nprofiles:\n- schedulerName: batch\n"
        )
        config = load_config(path)
        assert config == load_config(configuration({"schedulerName": "batch"}, podMaxBackoffSeconds=20))
        assert load_config(config) is config

    def test_an_error_names_the_file(self, tmp_path: Path) -> None:
        path = tmp_path / "scheduler.yaml"
        path.write_text("apiVersion: kubescheduler.config.k8s.io/v1beta3\nkind: KubeSchedulerConfiguration\n")
        with pytest.raises(ConfigError) as caught:
            load_config(path)
        assert str(caught.value).startswith(
            f'{path}: no kind "KubeSchedulerConfiguration" is registered for version '
            '"kubescheduler.config.k8s.io/v1beta3"'
        )

    def test_a_missing_file(self, tmp_path: Path) -> None:
        with pytest.raises(NotFoundError):
            load_config(tmp_path / "none.yaml")

    def test_two_documents(self, tmp_path: Path) -> None:
        path = tmp_path / "two.yaml"
        path.write_text("a: 1\n---\nb: 2\n")
        with pytest.raises(ConfigError, match="expected one KubeSchedulerConfiguration, found 2 documents"):
            load_config(path)


class TestEngine:
    NODES = (
        {
            "metadata": {"name": "empty"},
            "status": {"allocatable": {"cpu": "4", "memory": "8Gi", "pods": "9"}},
        },
        {
            "metadata": {"name": "small"},
            "status": {"allocatable": {"cpu": "1", "memory": "2Gi", "pods": "9"}},
        },
    )

    def pod(self, scheduler: Any = None) -> Any:
        container = {"name": "c", "resources": {"requests": {"cpu": "500m", "memory": "1Gi"}}}
        spec = {"containers": [container], **({"schedulerName": scheduler} if scheduler else {})}
        return {"metadata": {"name": "p", "namespace": "default"}, "spec": spec}

    def engine(self, config: Any) -> Any:
        engine = Engine(config=config)
        for node in self.NODES:
            engine.set_node(node)
        return engine

    def test_each_profile_decides_for_the_pods_that_name_it(self) -> None:
        packed = {"scoringStrategy": {"type": "MostAllocated"}}
        engine = self.engine(
            configuration(
                {"schedulerName": "default-scheduler"},
                {"schedulerName": "pack", "pluginConfig": [{"name": "NodeResourcesFit", "args": packed}]},
            )
        )
        assert engine.decide(self.pod()).node == "empty"
        assert engine.decide(self.pod("pack")).node == "small"

    def test_a_pod_of_another_scheduler_is_left_alone(self) -> None:
        engine = self.engine(configuration({"schedulerName": "batch"}))
        assert engine.decide(self.pod("batch")).node == "empty"
        assert engine.decide(self.pod()).node is None

    def test_a_plugin_may_not_take_the_name_of_another(self) -> None:
        class Impostor(Watchful):
            name = "NodeName"

        with pytest.raises(ConfigError, match="a plugin named NodeName already exists"):
            Engine(plugins=[Impostor])
