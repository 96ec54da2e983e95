"""The texts of problems in `fire.yaml`, by code."""

from gateway.site.problem_text import Text

FIRE_MESSAGES: dict[str, Text] = {
    "fire_policy": Text(
        "有 fire.yaml 的站点需要策略 {word}", "在 policies/ 里加上 id: {word}",
        "A site with fire.yaml needs the policy {word}", "Add id: {word} under policies/",
    ),
    "fire_positive": Text(
        "{word} 必须大于 0", "写如 3min", "{word} must be more than 0", "Write e.g. 3min",
    ),
    "fire_longest": Text(
        "{word} {value} 太长", "最长 {limit}", "{word} {value} is too long", "At most {limit}",
    ),
    # Sources
    "fire_device_kind": Text(
        "设备 {word} 的类型是 {kind}，不是消防设备", "在 devices.yaml 里把它的 kind 写成 {known} 之一",
        "The device {word} is of kind {kind}, not fire equipment", "In devices.yaml give it one of the kinds {known}",
    ),
    "fire_needs": Text(
        "{protocol} 来源需要 {word}", "补上 {word}，如 {example}", "A {protocol} source needs {word}",
        "Add {word}, e.g. {example}",
    ),
    "fire_unused": Text(
        "{protocol} 来源不用 {word}", "去掉 {word}", "A {protocol} source has no {word}", "Remove {word}",
    ),
    "fire_line_unused": Text(
        "没有串口就不用 {word}", "去掉 {word}，或写上 port（串口服务器的波特率在它自己那里设）",
        "Without a port there is no {word}", "Remove {word}, or give port (a serial server keeps its own)",
    ),
    "fire_one_line": Text(
        "port 和 host 只能写一个", "去掉其中一个", "Either port or host, not both", "Remove one of them",
    ),
    "fire_host_port": Text(
        "端口 {word} 不在 1 到 65535 之间", "写如 192.168.1.20:4001",
        "The port {word} is not from 1 to 65535", "Write e.g. 192.168.1.20:4001",
    ),
    "fire_network": Text(
        "{word} 不是网段", "写如 {example}", "{word} is not a network", "Write e.g. {example}",
    ),
    "fire_address_twice": Text(
        "地址 {word} 已经属于 {first}", "改正其中一个；每台传输装置的地址不同",
        "The address {word} already belongs to {first}", "Correct one: every transmission device has its own",
    ),
    "fire_wildcards": Text(
        "没写地址的 gb26875 来源只能有一个，{first} 已经是", "给每台写上 address",
        "Only one gb26875 source may be without address, and {first} is it", "Give each its address",
    ),
    "fire_scale_twice": Text(
        "类型 {word} 的分辨率写了两次", "留下一个", "The scale of type {word} appears twice", "Keep one",
    ),
    "fire_offline_short": Text(
        "offline_after {value} 短于轮询间隔的 3 倍", "至少写 {least}",
        "offline_after {value} is less than three polls", "Write at least {least}",
    ),
    "fire_no_panel": Text(
        "来源 {word} 没有控制器，它的信号不知道属于哪栋楼", "在 panels 里加一项 source: {word}",
        "The source {word} has no panel: nobody knows which building its signals are about",
        "Add an entry with source: {word} to panels",
    ),
    # Panels
    "fire_panel_source": Text(
        "{protocol} 来源自己就是控制器：id 应与 source {word} 相同", "写 id: {word}",
        "A {protocol} source is its own panel: the id has to be its source {word}", "Write id: {word}",
    ),
    "fire_panel_id": Text(
        "{word} 是另一个来源的编号", "控制器单独接入时写 source: {word}，否则换一个设备",
        "{word} is another source", "Write source: {word} if it has a port of its own; otherwise name another device",
    ),
    "fire_system_unused": Text(
        "只有 gb26875 来源的控制器有 system_address", "去掉 system_address",
        "Only panels of gb26875 sources have a system_address", "Remove system_address",
    ),
    "fire_system_twice": Text(
        "来源 {source} 的系统 {word} 已经是 {first}", "给每台控制器写上不同的 system_address",
        "System {word} of {source} is {first} already", "Give each panel its own system_address",
    ),
    "fire_outside": Text(
        "{word} 不是楼栋或车库，也不在其中", "写 kind 为 building 或 garage 的区域，或给它补上 parent",
        "{word} is neither a building nor a garage, nor inside one",
        "Name an area of kind building or garage, or give it a parent",
    ),
    "fire_building": Text(
        "{word} 是 {kind}，不是楼栋或车库", "写 {building}", "{word} is a {kind}, not a building or garage",
        "Write {building}",
    ),
    # Points and appliances
    "fire_point_address": Text(
        "{value} 不是 {protocol} 控制器的点位地址", "写如 {example}，并加引号",
        "{value} is not an address at a {protocol} panel", "Write e.g. {example}, in quotes",
    ),
    "fire_address_case": Text(
        "地址 {value} 里有大写字母", '写 "{word}"', "The address {value} has capital letters", 'Write "{word}"',
    ),
    "fire_point_twice": Text(
        "控制器 {panel} 的地址 {word} 写了两次，第一次在 {first}", "改正其中一个地址",
        "The address {word} of panel {panel} appears twice, first at {first}", "Correct one of them",
    ),
    "fire_id_taken": Text(
        "{word} 已经是一个点位的编号（{first}），测试台账分不清", "换一个编号",
        "{word} is a point already ({first}); the ledger of tests could not tell them apart", "Use another id",
    ),
    # Response
    "fire_person_program": Text(
        "{word} 是程序，不能到场", "写人员的用户名", "{word} is a program and cannot come", "Name a person",
    ),
    "fire_tier_empty": Text(
        "这一级没有叫任何人", "写上 roles 或 people", "This step calls nobody", "Give roles or people",
    ),
    "fire_tier_nobody": Text(
        "没有角色为 {word} 的人，这一级叫不到人", "在 people.yaml 里加一个 {word}，或改 roles",
        "Nobody has the role {word} that this step calls", "Add a {word} to people.yaml, or change roles",
    ),
    "fire_tier_order": Text(
        "这一级的 after {value} 不晚于上一级的 {before}", "写一个更晚的时间",
        "after {value} is not later than the step before ({before})", "Write a later time",
    ),
    "fire_plan_empty": Text(
        "预案 {word} 没有步骤", "写上步骤；去掉 {word} 就用我们的预案",
        "The plan {word} has no steps", "Give its steps; without {word} ours are used",
    ),
    "fire_broadcast": Text(
        "广播词里不认识 {word}", "只能用 {{place}}，代表着火的地方；其它大括号写两遍",
        "The announcement has an unknown {word}", "Only {{place}}, the place that burns; write other braces twice",
    ),
    "fire_settings_loose": Text(
        "{word} {value} 比 {source} 的 {limit} 更宽", "写不超过 {limit} 的时间",
        "{word} {value} is looser than {limit} of {source}", "Write at most {limit}",
    ),
}  # fmt: skip
