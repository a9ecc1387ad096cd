rule assay_redline_stealer {
  meta:
    description = "RedLine Stealer: WCF client with its SOAP header, its mark of an earlier visit, or its contract names"
    family = "win.redline_stealer"
    source = "assay docs; Malpedia win.redline_stealer"
  strings:
    $wcf = "ChannelFactory" ascii
    // #US entries "Authorization" and "ns1", one behind the other.
    $header = { 1B 41 00 75 00 74 00 68 00 6F 00 72 00 69 00 7A 00 61 00 74 00 69 00 6F 00 6E 00 00 07 6E 00 73 00 31 00 00 }
    $authorization = "Authorization" wide
    $ns1 = "ns1" wide
    $net_tcp = "net.tcp://" wide
    $visit = "Yandex\\YaAddon" wide
    // Name = "Id24" and Name = "Entity17": names that WCF contracts are cut to, in custom attributes.
    $id24 = { 54 0E 04 4E 61 6D 65 04 49 64 32 34 }
    $entity17 = { 54 0E 04 4E 61 6D 65 08 45 6E 74 69 74 79 31 37 }
    // MetaStealer, which has the same client, names its contracts so.
    $meta = "MSValue1" ascii
  condition:
    not $meta and
    ($header or ($wcf and ($visit or ($id24 and $entity17) or ($authorization and $ns1 and $net_tcp))))
}
