"""The texts of problems in `profiles/`, `sensors.yaml` and about what points say of their sensors, by code."""

from gateway.site.problem_text import Text

SENSOR_MESSAGES: dict[str, Text] = {
    # Profiles
    "profile_kind": Text(
        "mqtt 和 modbus 必须正好写一个", "留下一个", "Exactly one of mqtt and modbus is needed", "Keep one of them",
    ),
    "profile_samples": Text(
        "型谱 {word} 没有样例", "在 samples 里写至少一条真实报文和它变成的结果；gengfu probe 可以打印出来",
        "The profile {word} has no sample",
        "Put a real message and what it becomes under samples; gengfu probe prints one",
    ),
    "profile_empty": Text(
        "型谱 {word} 没有读出任何值", "在 fields 里写至少一项，或写 presence",
        "The profile {word} reads nothing", "Write at least one of fields, or presence",
    ),
    "metric_twice": Text(
        "值 {word} 重复，第一次在 {first}", "每个值的 name 只用一次",
        "The metric {word} appears twice, first at {first}", "Use each name once",
    ),
    "metric_unit": Text(
        "不认识单位 {word}", "可用单位：{known}", "Unknown unit {word}", "Known units: {known}",
    ),
    "metric_bounds": Text(
        "minimum {low} 大于 maximum {high}", "对调两个值", "minimum {low} is above maximum {high}", "Swap them",
    ),
    "loop_order": Text(
        "回路应满足 low ≤ zero < full ≤ high，现在是 {found}", "如 low: 3.6, zero: 4, full: 20, high: 21",
        "A loop needs low ≤ zero < full ≤ high, not {found}", "E.g. low: 3.6, zero: 4, full: 20, high: 21",
    ),
    "selector_wrong": Text(
        "选择式 {value} 不能用：{why}", "按 JMESPath 书写，如 StatusSNS.SI7021.Temperature；带特殊字符的名称加双引号",
        "The selector {value} cannot be used: {why}",
        "Write JMESPath such as StatusSNS.SI7021.Temperature; put names with odd characters in double quotes",
    ),
    "topic_form": Text(
        "主题 {word} 的写法不对", "+ 单独占一级，# 只能在最后，{{device}} 最多一次，不能以 gengfu/、$、+ 开头",
        "The topic {word} has the wrong form",
        "+ fills a level, # comes last, {{device}} at most once; it does not begin with gengfu/, $ or +",
    ),
    "topic_nobody": Text(
        "从主题 {word} 看不出是哪个设备", "在设备名那一级写 {{device}}，或写 identity",
        "The topic {word} does not tell which device it is", "Write {{device}} for that level, or give identity",
    ),
    "register_range": Text(
        "{type} 占 {length} 个寄存器，从 {address} 开始超出 65535", "检查地址：从 0 起，40001 写成 holding 0",
        "{type} takes {length} registers and, from {address}, passes 65535",
        "Check the address: from zero, 40001 is holding 0",
    ),
    "register_overlap": Text(
        "{word} 与 {other} 共用寄存器 {address}，起点或长度却不同", "检查 address 和 type",
        "{word} and {other} share register {address}, but not start and length", "Check address and type",
    ),
    "register_bit": Text(
        "{function} 的 {type} 与 bit 不配", "寄存器里的位：type: bit 并写 bit；其他类型和 coil、discrete 不写 bit",
        "{type} of {function} does not go with bit as given",
        "A bit of a register has type: bit and bit; other types, coil and discrete have no bit",
    ),
    "sample_unused": Text(
        "{kind} 型谱的样例不用 {word}", "去掉 {word}", "A sample of a {kind} profile has no {word}", "Remove {word}",
    ),
    "sample_needs": Text(
        "{kind} 型谱的样例需要 {word}", "补上 {word}", "A sample of a {kind} profile needs {word}", "Add {word}",
    ),
    # Lines
    "bus_line": Text(
        "总线 {word} 的 host 和 port 必须正好写一个", "网络写 host: 192.168.1.20:502，串口写 port: /dev/ttyUSB0",
        "The bus {word} needs exactly one of host and port",
        "Network: host: 192.168.1.20:502; serial: port: /dev/ttyUSB0",
    ),
    "bus_unused": Text(
        "走网络的总线不用 {word}", "去掉 {word}，在串口服务器上设置",
        "A bus with host has no {word}", "Remove {word}; it is set at the serial server",
    ),
    "bus_port": Text(
        "{word} 的端口不在 1 到 65535", "Modbus TCP 通常是 502", "The port of {word} is not within 1 to 65535",
        "Modbus TCP usually is 502",
    ),
    "bus_taken": Text(
        "{word} 已被 {other} 使用", "一个串口或地址只能接一条总线；同一条线上的从站写在同一个 bus 下",
        "{word} is in use by {other}", "A port or address is one line: slaves on the same line share one bus",
    ),
    # Sensors
    "sensor_device": Text(
        "设备 {word} 已经由 {other} 接入", "换一个设备，或删掉其中一处",
        "The device {word} is already connected through {other}", "Use another device or remove one",
    ),
    "sensor_needs": Text(
        "{kind} 设备需要 {word}", "补上 {word}: {example}", "A {kind} device needs {word}", "Add {word}: {example}",
    ),
    "sensor_unused": Text(
        "{kind} 设备不用 {word}", "去掉 {word}，或改 profile",
        "A {kind} device has no {word}", "Remove {word} or change profile",
    ),
    "sensor_name_form": Text(
        "设备名 {word} 不能用在主题里", "不含 +、#、花括号和换行，不以 gengfu、$ 或 / 开头",
        "The name {word} cannot be part of a topic", "No +, #, braces, line breaks; not beginning with gengfu, $ or /",
    ),
    "sensor_metric": Text(
        "型谱 {profile} 没有值 {word}", "可用的值：{known}",
        "The profile {profile} has no metric {word}", "It has: {known}",
    ),
    "sensor_point_device": Text(
        "测点 {word} 属于设备 {other}，不是 {device}", "改 devices.yaml 里这个测点的 device，或写 {device} 自己的测点",
        "The point {word} belongs to the device {other}, not {device}",
        "Change the point's device in devices.yaml, or name a point of {device}",
    ),
    "sensor_point_twice": Text(
        "测点 {word} 已经由 {other} 给出", "一个测点只能有一个来源",
        "The point {word} already comes from {other}", "A point has one origin",
    ),
    "sensor_unit": Text(
        "{metric} 的单位 {unit} 换算不成测点 {word} 的 {wanted}", "改测点的 unit，或检查是不是接错了值",
        "The unit {unit} of {metric} does not convert to {wanted} of the point {word}",
        "Change the point's unit, or check that it is the right metric",
    ),
    "span_missing": Text(
        "{word} 是回路信号，需要量程", "在 spans 里写如 {word}: {{low: 0, high: 1.6}}，单位同测点",
        "{word} is a loop signal and needs its range",
        "Write e.g. {word}: {{low: 0, high: 1.6}} under spans, in the point's unit",
    ),
    "span_unused": Text(
        "{word} 不是回路信号，或没有对应测点，不用量程", "去掉这个量程",
        "{word} is no loop signal, or has no point: it has no range", "Remove the range",
    ),
    "span_flat": Text(
        "量程两端都是 {low}", "写传感器铭牌上的下限和上限", "Both ends of the range are {low}",
        "Write the bottom and top of the range on the sensor's plate",
    ),
    "slave_twice": Text(
        "总线 {bus} 上的从站 {word} 已用于 {other}", "改其中一个 slave",
        "Slave {word} of the bus {bus} is already {other}", "Change one slave address",
    ),
    "sensor_name_twice": Text(
        "{profile} 的设备名 {word} 已用于 {other}", "写各自的 name（主题里的一级、devEui 或别名）",
        "The name {word} of {profile} is already {other}", "Give each its own name (topic level, devEui, alias)",
    ),
    # Points
    "point_derived": Text(
        "derived 不能写：它只标记更夫自己推算的测点", "去掉 derived；推算的测点来自 pumps.yaml 和 cctv.yaml",
        "derived is never written: it marks the points that Gengfu works out",
        "Remove it; such points come from pumps.yaml and cctv.yaml",
    ),
    "twin_self": Text(
        "twin 不能是测点自己", "写量同一处的另一个测点", "A point is not its own twin", "Name another point there",
    ),
    "twin_unit": Text(
        "孪生测点 {word} 的单位是 {unit}，不是 {wanted}", "两个测点用同一个单位",
        "The twin {word} is in {unit}, not {wanted}", "Declare both in the same unit",
    ),
    "twin_pair": Text(
        "twin 和 twin_within 要一起写", "补上 {word}", "twin and twin_within go together", "Add {word}",
    ),
}  # fmt: skip
