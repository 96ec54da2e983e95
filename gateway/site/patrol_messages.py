"""The texts of problems in `patrol.yaml` and in rule packs, by code."""

from gateway.site.problem_text import Text

PATROL_MESSAGES: dict[str, Text] = {
    "patrol_positive": Text(
        "{word} 必须大于 0", "写如 30min", "{word} must be more than 0", "Write e.g. 30min",
    ),
    "patrol_policy": Text(
        "有巡更点的站点需要策略 {word}", "在 policies/ 里加上 id: {word}",
        "A site with checkpoints needs the policy {word}", "Add id: {word} under policies/",
    ),
    "dates_order": Text(
        "{word} {last} 早于开始日期 {first}", "对调两个日期",
        "{word} {last} is before the first day {first}", "Swap the two dates",
    ),
    "key_area_uncovered": Text(
        "重点部位 {word} 里没有已排计划的巡更点", "加一个巡更点并放进有计划的路线；不是重点部位就去掉 key",
        "No scheduled route has a checkpoint in the key area {word}",
        "Add a checkpoint to a route with a schedule, or remove key",
    ),
    # Tags and codes
    "tag_form": Text(
        "{value} 不是 {kind} 卡的号码", "照读卡器显示的写，如 {example}，并加引号",
        "{value} is not the number of a tag of kind {kind}", "Write what a reader shows, e.g. {example}, in quotes",
    ),
    "tag_collision": Text(
        "{first} 和 {second} 的卡分不清：有的读卡器都会读成 {text}", "换掉其中一张卡，或改正写错的号码",
        "{first} and {second} cannot be told apart: some reader prints {text} for both",
        "Replace one of the tags, or correct its number",
    ),
    "sun_keys": Text(
        "sun 卡需要 keys", "写上密钥组的名称，密钥用 gengfu tag keys 录入",
        "A sun tag needs keys", "Name its key set; the keys are entered with gengfu tag keys",
    ),
    "keys_unused": Text(
        "{kind} 卡不用 keys", "去掉 keys，或改为 kind: sun", "A tag of kind {kind} has no keys",
        "Remove keys, or write kind: sun",
    ),
    # Questions
    "question_needs": Text(
        "{kind} 问题需要 {word}", "补上 {word}", "A {kind} question needs {word}", "Add {word}",
    ),
    "question_unused": Text(
        "{kind} 问题不用 {word}", "去掉 {word}，或改 kind", "A {kind} question has no {word}",
        "Remove {word} or change kind",
    ),
    "minimum_above": Text(
        "最小值 {low} 不小于最大值 {high}", "对调两个值",
        "The minimum {low} is not below the maximum {high}", "Swap them",
    ),
    # Routes
    "stop_twice": Text(
        "巡更点 {word} 重复", "去掉多余的一个", "The checkpoint {word} appears twice", "Remove one",
    ),
    "due_order": Text(
        "due {value} 早于前一站的 {before}", "按到达先后写，或改 order",
        "due {value} is before that of the stop ahead ({before})", "Follow the order of the stops, or change order",
    ),
    "not_before_late": Text(
        "not_before {value} 晚于 due {due}", "写不晚于 {due} 的时间",
        "not_before {value} is later than due {due}", "Write at most {due}",
    ),
    "leg_outside": Text(
        "{word} 不在这条路线上", "路线上的巡更点：{known}", "{word} is not on this route", "Its checkpoints: {known}",
    ),
    "leg_nowhere": Text(
        "起点和终点都是 {word}", "写两个不同的巡更点", "It starts and ends at {word}", "Name two checkpoints",
    ),
    "leg_twice": Text(
        "{start} 到 {end} 写了两次，来回算同一段", "合并成一项",
        "The walk between {start} and {end} appears twice; both directions are one", "Make it one entry",
    ),
    "leg_empty": Text(
        "这一段没有任何限制", "写上 minimum、maximum 或 distance_m",
        "This leg limits nothing", "Give minimum, maximum or distance_m",
    ),
    "route_retired": Text(
        "路线 {word} 已停用", "换一条路线，或去掉它的 retired", "The route {word} is retired",
        "Name another route, or remove its retired",
    ),
    # Shifts and schedules
    "shift_duration": Text(
        "班次时长 {value} 不对", "大于 0，不超过 24h", "A shift cannot last {value}", "More than 0, at most 24h",
    ),
    "schedule_ways": Text(
        "at、every、random 必须正好写一个，现在是：{found}", "留下一个",
        "Exactly one of at, every and random is needed, not: {found}", "Keep one",
    ),
    "window_needed": Text(
        "{word} 需要时间窗", "写上 window，或写 shift 用班次的时间",
        "{word} needs hours", "Give window, or shift for its hours",
    ),
    "window_unused": Text(
        "有 at 就不用 window", "去掉 window", "With at there is no window", "Remove window",
    ),
    "random_gaps": Text(
        "min_gap {low} 必须大于 0 且小于 max_gap {high}", "例如 min_gap: 40min, max_gap: 2h",
        "min_gap {low} must be more than 0 and less than max_gap {high}", "E.g. min_gap: 40min, max_gap: 2h",
    ),
    "tolerance_narrow": Text(
        "{word} {value} 小于 {inner} {least}", "至少写 {least}", "{word} {value} is less than {inner} {least}",
        "Write at least {least}",
    ),
    "round_short": Text(
        "一圈只有 {value}，路线 {route} 的最后一站要到 {due}", "把 duration 改成至少 {due}",
        "A round lasts {value}, but the last stop of {route} is due after {due}", "Make duration at least {due}",
    ),
    "at_outside": Text(
        "{word} 不在班次 {shift} 的时间里（{start} 起 {duration}）", "改时间，或去掉 shift",
        "{word} is outside the shift {shift} (from {start}, {duration})", "Change it, or remove shift",
    ),
    # Rules
    "rule_needs": Text(
        "{kind} 规则需要 {word}", "补上 {word}", "A {kind} rule needs {word}", "Add {word}",
    ),
    "rule_unused": Text(
        "{kind} 规则不用 {word}", "去掉 {word}", "A {kind} rule has no {word}", "Remove {word}",
    ),
    "rule_loosened": Text(
        "{fields} 比规则 {word} 规定的更宽",
        "收紧到规定以内；确需放宽时写 reason 和 approved_by（supervisor 或 manager）",
        "{fields} is looser than the rule {word} documents",
        "Tighten it; if it must be looser, give reason and approved_by (supervisor or manager)",
    ),
    "rule_nowhere": Text(
        "规则 {word} 没有对应任何巡更点", "写上 checkpoints、labels、areas 或 routes",
        "The rule {word} is for no checkpoint", "Give checkpoints, labels, areas or routes",
    ),
    "unknown_label": Text(
        "没有巡更点带标签 {word}", "已有的标签：{known}", "No checkpoint has the label {word}", "Labels: {known}",
    ),
    # Readers
    "reader_needs": Text(
        "{protocol} 读卡器需要 {word}", "补上 {word}，如 {example}", "A {protocol} reader needs {word}",
        "Add {word}, e.g. {example}",
    ),
    "reader_unused": Text(
        "{protocol} 读卡器不用 {word}", "去掉 {word}", "A {protocol} reader has no {word}", "Remove {word}",
    ),
    "reader_topic": Text(
        "{word} 不能作读卡器的主题", "写读卡器自己发布的主题，不以 / $ gengfu/ 开头，不用 #",
        "{word} cannot be a reader's topic", "Write the topic it publishes on: not from / $ gengfu/, and without #",
    ),
    "pattern_wrong": Text(
        "正则表达式不对：{why}", "改正 pattern", "The regular expression is wrong: {why}", "Correct pattern",
    ),
    "pattern_groups": Text(
        "pattern 缺少命名组 {missing}", "写上 (?P<at>…) 和 (?P<tag>…)",
        "pattern lacks the named groups {missing}", "It needs (?P<at>…) and (?P<tag>…)",
    ),
    "time_format": Text(
        "{value} 写不出完整的时间", "写如 %Y-%m-%d %H:%M:%S", "{value} does not give a whole time",
        "Write e.g. %Y-%m-%d %H:%M:%S",
    ),
}  # fmt: skip
