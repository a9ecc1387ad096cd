rule assay_quasar_rat
{
    meta:
        description = "Quasar RAT and xRAT 2 clients: settings class, and the client's own literals (renamed clients keep these)"
        family = "win.quasar_rat"
        reference = "https://github.com/quasar/Quasar"

    strings:
        // Literals that no renamer touches: the reconnect batch, the uptime format, the builder's mutex prefix.
        $batch1 = "echo DONT CLOSE THIS WINDOW!" wide
        $batch2 = "ping -n 10 localhost > nul" wide
        $uptime = "{0}d : {1}h : {2}m : {3}s" wide
        $mutex = "QSR_MUTEX_" wide
        // Salt of 1.3 and 1.4, as its initialiser's data; AsyncRAT has it too.
        $salt = { BF EB 1E 56 FB CD 97 3B B2 19 02 24 30 A5 78 43 00 3D 56 44 D2 1E 62 B9 }
        // Field and type names of clients that were not renamed, and of message types, which never are.
        $field1 = "HIDEINSTALLSUBDIRECTORY" ascii fullword
        $field2 = "LOGDIRECTORYNAME" ascii fullword
        $field3 = "ENABLELOGGER" ascii fullword
        $field4 = "RECONNECTDELAY" ascii fullword
        $field5 = "STARTUPKEY" ascii fullword
        $field6 = "ENABLEUACESCALATION" ascii fullword
        $field7 = "INSTALLNAME" ascii fullword
        $message1 = "Quasar.Common.Messages" ascii
        $message2 = "GetKeyloggerLogsDirectory" ascii
        $message3 = "DoShellExecuteResponse" ascii

    condition:
        2 of ($batch*, $uptime, $mutex) or
        ($salt and any of ($batch*, $uptime, $mutex)) or
        4 of ($field*) or
        2 of ($message*)
}

rule assay_quasar_xrat1
{
    meta:
        description = "xRAT 1.x client: XOR keys of its settings resource"
        family = "win.quasar_rat"
        reference = "https://github.com/kevthehermit/RATDecoders"

    strings:
        $password = "KeY11PWD24" wide ascii
        $section = "KeY11" wide ascii
        $outer = "xRAT11" wide ascii

    condition:
        $outer and ($password or $section)
}
