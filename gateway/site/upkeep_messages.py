"""The texts of problems in `maintenance/` and `maintenance.yaml`, by code."""

from gateway.site.problem_text import Text

UPKEEP_MESSAGES: dict[str, Text] = {
    # Checklists
    "item_twice": Text(
        "检查项 {word} 重复", "每个检查项的 id 只用一次", "The item {word} appears twice", "Use each id once",
    ),
    "item_needs": Text(
        "{kind} 检查项需要 {word}", "补上 {word}", "A {kind} item needs {word}", "Add {word}",
    ),
    "item_unused": Text(
        "{kind} 检查项不用 {word}", "去掉 {word}，或改 kind",
        "A {kind} item has no {word}", "Remove {word} or change kind",
    ),
    "item_bounds": Text(
        "minimum {low} 大于 maximum {high}", "对调两个值", "minimum {low} is above maximum {high}", "Swap them",
    ),
    "item_good": Text(
        "good 里的 {word} 不在 choices 里", "可选项：{known}",
        "{word} under good is not one of choices", "Choices: {known}",
    ),
    # Plans
    "plan_rhythm": Text(
        "every、interval、meter 必须正好写一个，现在是：{found}", "留下一个（5 级大修都不写，由人发起）",
        "Exactly one of every, interval and meter is needed, not: {found}",
        "Keep one (level 5 has none: a person begins it)",
    ),
    "plan_by_hand": Text(
        "5 级大修没有周期，由人发起", "去掉 {word}，或改 level", "Level 5 has no period: a person begins it",
        "Remove {word} or change level",
    ),
    "plan_days": Text(
        "interval {value} 不是整天数", "写如 15d，至少 1d", "interval {value} is not a number of days",
        "Write e.g. 15d, at least 1d",
    ),
    "plan_window": Text(
        "window_from 和 window_until 要一起写，而且不能相同", "写如 window_from: \"00:00\"、window_until: \"06:00\"",
        "window_from and window_until belong together and differ",
        "Write e.g. window_from: \"00:00\" and window_until: \"06:00\"",
    ),
    "plan_nowhere": Text(
        "计划 {word} 没有对应任何设备", "写上 kinds 或 equipment", "The plan {word} is for no equipment",
        "Give kinds or equipment",
    ),
    "plan_contract": Text(
        "只有 6 级（分承包方）计划才有 contract", "去掉 contract，或写 level: 6",
        "Only a plan of level 6 has a contract", "Remove contract, or write level: 6",
    ),
    "plan_shared": Text(
        "随附的计划不能写 {word}", "写到站点的 maintenance.yaml 里", "A shipped plan cannot name {word}",
        "Write it into maintenance.yaml of the site",
    ),
    "plan_shipped": Text(
        "{what} {word} 与随附的同名", "换一个 id；要改随附的计划，写在 changes 里",
        "The {what_en} {word} has the name of a shipped one",
        "Choose another id, or write a shipped plan under changes",
    ),
    # Changes
    "change_empty": Text(
        "没有改变计划 {word} 的任何内容", "写上要改的，或去掉这一项", "It changes nothing of the plan {word}",
        "Say what changes, or remove it",
    ),
    "plan_loosened": Text(
        "{fields} 比随附的计划 {word} 更宽",
        "收紧到原来以内；确需放宽时写 reason 和 approved_by（supervisor 或 manager）",
        "{fields} is looser than the shipped plan {word}",
        "Tighten it; if it must be looser, give reason and approved_by (supervisor or manager)",
    ),
    "plan_approver": Text(
        "{value} 不能批准放宽", "写 supervisor 或 manager", "{value} cannot approve what is looser",
        "Write supervisor or manager",
    ),
    # Contracts and calendar
    "contract_unused": Text(
        "合同 {word} 没有任何计划", "在 changes 或 plans 里写 contract: {word}",
        "No plan belongs to the contract {word}", "Write contract: {word} in a plan or under changes",
    ),
    "day_twice": Text(
        "{word} 既是休息日又是工作日", "留下一个", "{word} is both a day off and a workday", "Keep one",
    ),
    "night_grace_long": Text(
        "night_grace {value} 太长", "0 到 12h", "night_grace {value} is too long", "0 to 12h",
    ),
}  # fmt: skip
